# Judges the cases with the guide's Ruby; its folder stands in RUBYLIB.
require "json"
require "verify_v1a"

def judge(one)
  check = one["asymmetric"] ? :verify_v1a : :verify
  send(check, one["secrets"], one["headers"], one["body"].unpack1("m"), one["now"])
  "ok"
rescue Refused, ArgumentError => e
  e.message
end

puts JSON.generate(JSON.parse($stdin.read).map { |one| judge(one) })
