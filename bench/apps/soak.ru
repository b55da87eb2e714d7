# frozen_string_literal: true

require "tempfile"
require_relative "../lib/bench/soak/content"

# What bench/soak asks: every answer carries the request's query string, so that no client can be given another's. A
# module with a method call can be shared between ractors as it is.
module SoakApp
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

  # More than a client will read.
  class Flood
    def each
      1000.times { yield Bench::Soak::Content::LARGE }
    end
  end

  # A body in whose middle the worker is ended.
  class Cut
    def initialize(id)
      @id = id
    end

    def each
      Bench::Soak::Content.pieces(@id).first(3).each { |piece| yield piece }
      Thread.exit
    end
  end

  # The Tempfile is kept, since the file goes with it; it is not shareable, its path is.
  TEMPFILE = Tempfile.new("soak").tap { |file| file.write(Bench::Soak::Content::FILE) && file.flush }
  PATH = TEMPFILE.path.dup.freeze
  # Seconds after which an app that should have been ended answers.
  PATIENCE = 15

  module_function

  def call(env)
    id = env["QUERY_STRING"]
    case env["PATH_INFO"]
    when "/plain" then answer(id, [Bench::Soak::Content::HELLO])
    when "/large" then answer(id, [Bench::Soak::Content::LARGE])
    when "/echo" then answer(id, [env["rack.input"].read])
    when "/stream" then answer(id, Pieces.new(id))
    when "/flood" then answer(id, Flood.new)
    when "/file" then answer(id, FileBody.new(PATH), "content-length" => Bench::Soak::Content::FILE.bytesize.to_s)
    when "/sleep"
      sleep 0.002
      answer(id, [Bench::Soak::Content::HELLO])
    when "/error" then raise "asked to fail by #{id}"
    else crash(env["PATH_INFO"], id)
    end
  end

  def crash(path, id)
    case path
    when "/exit" then Thread.exit
    when "/kill" then end_ractor(id)
    when "/cut" then answer(id, Cut.new(id))
    else [404, {}, []]
    end
  end

  # The thread that started this ractor's others; with it they all end.
  def end_ractor(id)
    Thread.exit if Ractor.current == Ractor.main
    Thread.main.kill
    sleep PATIENCE
    answer(id, ["still there\n"])
  end

  def answer(id, body, more = {})
    [200, { "content-type" => "text/plain", "x-id" => id, **more }, body]
  end
end

run SoakApp
