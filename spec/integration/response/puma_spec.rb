# frozen_string_literal: true

require "rack/body_proxy"

# What apps give that Rack's SPEC does not know, or leaves open, and that Puma takes.
RSpec.describe "An answer as Puma's apps give it" do
  # A body that counts how often it is closed, by the name that it was told.
  class CountedBody
    CLOSED = Hash.new(0)

    def initialize(name, parts)
      @name = name
      @parts = parts
    end

    def each(&) = @parts.each(&)
    def close = CLOSED[@name] += 1
  end

  each_mode(of_one_process: true) do
    def answer_of(status, headers, body)
      app = ->(_) { [status, headers.dup, body] }
      converse(app, lint: false) { |client| Array.new(2) { client.get }.last }
    end

    before { only_in :threaded, "bodies that can't be shared" }

    [[nil, "one", nil, "two", nil], [nil, "onetwo"], ["onetwo", nil]].each do |parts|
      it "has nil among its parts, #{parts.inspect}, which is none of them" do
        answer = answer_of(200, {}, parts)
        expect([answer.body, answer["content-length"]]).to eq(%w[onetwo 6])
      end
    end

    it "has nil alone in its parts: there is no body" do
      expect([answer_of(200, {}, [nil]).body, answer_of(200, {}, [nil, nil])["content-length"]]).to eq(["", "0"])
    end

    it "has nil among what an each yields" do
      expect(answer_of(200, {}, [nil, "one", nil, "two"].each).body).to eq("onetwo")
    end

    [204, 304].each do |status|
      it "has no body at all with #{status}" do
        expect([answer_of(status, {}, nil).status, answer_of(status, {}, nil).body]).to eq([status, ""])
      end
    end

    it "is a pipe, whose to_path is nil" do
      app = ->(_) { [200, {}, IO.popen(%w[echo from a pipe])] }
      converse(app, lint: false) { |client| 2.times { expect(client.get.body).to eq("from a pipe\n") } }
    end

    it "has a to_ary that raises, and a content-length: as ranges of files in Rails" do
      body = Class.new do
        def each = yield("a part")
        def to_ary = raise("to_ary is not for parts of files")
      end
      answer = answer_of(206, { "content-length" => "6", "content-range" => "bytes 0-5/9" }, body.new)
      expect([answer.status, answer.body]).to eq([206, "a part"])
    end

    it "has a content-length in capitals, which counts, too" do
      body = Class.new do
        def each = yield("a part")
        def to_ary = raise("not asked")
      end
      expect(answer_of(200, { "Content-Length" => "6" }, body.new).body).to eq("a part")
    end

    it "is a body that has a path, no bytes, and each" do
      body = Class.new do
        def to_path = File::NULL
        def each; end
      end
      expect(answer_of(200, {}, body.new).body).to eq("")
    end

    it "has its body closed once, whatever its kind" do
      bodies = { "/each" => ->(name) { CountedBody.new(name, %w[a b]) },
                 "/proxy" => ->(name) { Rack::BodyProxy.new(%w[a b]) { CountedBody::CLOSED[name] += 1 } },
                 "/length" => ->(name) { CountedBody.new(name, %w[a b]) },
                 "/raise" => ->(name) { CountedBody.new(name, Enumerator.new { raise "in each" }) } }
      app = lambda do |env|
        [200, env["PATH_INFO"] == "/length" ? { "content-length" => "2" } : {},
         bodies.fetch(env["PATH_INFO"]).call(env["PATH_INFO"])]
      end
      CountedBody::CLOSED.clear
      converse(app, lint: false) do |client, _, log|
        log.allow
        bodies.each_key { |path| client.get(path) }
        eventually("all are closed") { CountedBody::CLOSED.size == bodies.size }
        expect(CountedBody::CLOSED).to eq(bodies.transform_values { 1 })
      end
    end

    it "is written by syswrite" do
      expect(answer_of(200, {}, ->(stream) { stream.syswrite("five!") && stream.close }).body).to eq("five!")
    end
  end
end
