# A receiver of webhooks for every Rack server: rackup -p 9000, with WEBHOOK_SECRET set (two while a rotation lasts, by a
# space). In Rails, mount the same lambda, or read request.raw_post and the headers in a controller.
require "json"
require "set"
require_relative "verify"

SECRETS = ENV.fetch("WEBHOOK_SECRET").split
# Yours is a table with a unique column, written in one transaction with the queue.
SEEN = Set.new

# Puts the event where a worker finds it: do not make Kith wait for your work.
def queue(event)
  puts "#{event["type"]} #{event["id"]}"
end

run(lambda do |env|
  body = env["rack.input"].read # the raw bytes, before any parsing
  headers = %w[webhook-id webhook-timestamp webhook-signature].to_h { |name| [name, env["HTTP_" + name.upcase.tr("-", "_")]] }
  verify(SECRETS, headers, body)
  unless SEEN.include?(headers["webhook-id"])
    queue(JSON.parse(body))
    SEEN.add(headers["webhook-id"])
  end
  [200, {}, ["thank you"]]
rescue Refused => e
  [401, {}, [e.message]]
end)
