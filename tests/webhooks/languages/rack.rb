# Serves the guide's config.ru, as Rack does, with what Ruby brings along.
require "socket"
require "stringio"

def run(app)
  server = TCPServer.new("127.0.0.1", ENV.fetch("PORT").to_i)
  loop do
    socket = server.accept
    next socket.close unless socket.gets
    env = {}
    while (line = socket.gets.chomp) != ""
      name, value = line.split(": ", 2)
      env["HTTP_" + name.upcase.tr("-", "_")] = value
    end
    env["rack.input"] = StringIO.new(socket.read(env["HTTP_CONTENT_LENGTH"].to_i))
    status, _, body = app.call(env)
    socket.write("HTTP/1.1 #{status} OK\r\nConnection: close\r\n\r\n#{body.join}")
    socket.close
  end
end

$stdout.sync = true
load ARGV.fetch(0)
