# frozen_string_literal: true

require "json"

# A Rack app is anything that answers `call(env)` with a status, headers and a body.
module Hello
  def self.call(env)
    case [env["REQUEST_METHOD"], env["PATH_INFO"]]
    in ["GET" | "HEAD", "/"]     then text(200, "Hello from Kino\n")
    in ["GET" | "HEAD", "/json"] then json(message: "Hello", server: env["SERVER_SOFTWARE"], ruby: RUBY_VERSION)
    in ["POST", "/echo"]         then echo(env)
    in ["GET", "/stream"]        then stream
    in [_, path]                 then text(404, "Nothing at #{path}; try /, /json, /echo (POST) or /stream\n")
    end
  end

  def self.text(status, text) = [status, { "content-type" => "text/plain; charset=utf-8" }, [text]]

  def self.json(value) = [200, { "content-type" => "application/json" }, [JSON.generate(value)]]

  # The request's body comes back as it is, however long.
  def self.echo(env)
    [200, { "content-type" => env.fetch("CONTENT_TYPE", "application/octet-stream") }, Pieces.new(env["rack.input"])]
  end

  # A body that is called writes to the client when it has something to say.
  def self.stream
    [200, { "content-type" => "text/plain; charset=utf-8" }, Countdown.new]
  end

  # A body that hands on what an input has, 16 KiB at a time.
  class Pieces
    SIZE = 16_384

    def initialize(input)
      @input = input
    end

    def each
      while (piece = @input.read(SIZE))
        yield piece
      end
    end
  end

  # One line each tenth of a second.
  class Countdown
    def call(stream)
      3.downto(1) do |number|
        stream.write("#{number}...\n")
        sleep 0.1
      end
      stream.write("Hello!\n")
    ensure
      stream.close
    end
  end
end

run Hello
