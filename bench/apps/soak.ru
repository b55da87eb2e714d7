# frozen_string_literal: true

require "tempfile"
require_relative "../lib/bench/soak/content"

# What bench/soak asks: every answer carries the request's query string, so that no client can be given another's.
class SoakApp
  # A body that the server may send from the file itself.
  FileBody = Struct.new(:to_path) do
    def each
      yield File.binread(to_path)
    end
  end

  # A body made piece by piece.
  class Pieces
    def initialize(id)
      @id = id
    end

    def each(&)
      Bench::Soak::Content.pieces(@id).each(&)
    end
  end

  def initialize
    @file = Tempfile.new("soak")
    @file.write(Bench::Soak::Content::FILE)
    @file.flush
  end

  def call(env)
    id = env["QUERY_STRING"]
    case env["PATH_INFO"]
    when "/plain" then answer(id, [Bench::Soak::Content::HELLO])
    when "/large" then answer(id, [Bench::Soak::Content::LARGE])
    when "/echo" then answer(id, [env["rack.input"].read])
    when "/stream" then answer(id, Pieces.new(id))
    when "/file" then answer(id, FileBody.new(@file.path), "content-length" => Bench::Soak::Content::FILE.bytesize.to_s)
    when "/sleep"
      sleep 0.002
      answer(id, [Bench::Soak::Content::HELLO])
    when "/error" then raise "asked to fail by #{id}"
    else [404, {}, []]
    end
  end

  private

  def answer(id, body, more = {})
    [200, { "content-type" => "text/plain", "x-id" => id, **more }, body]
  end
end

run SoakApp.new
