# frozen_string_literal: true

# Native code asks an app's objects what they are: they may do anything before they answer. None of it may make the
# server send what is not the answer.
RSpec.describe "An app's objects that do harm when they are asked" do
  # Objects whose answers come after what a block does.
  module Hostile
    # A header's value.
    class Value
      def initialize(text, &harm)
        @text = text
        @harm = harm
      end

      def to_s
        @harm.call
        @text
      end
    end

    # A status.
    class Status < Value
      def to_i
        @harm.call
        @text
      end

      def respond_to?(name, ...) = @harm.call && super
    end

    # As a name, it is asked for its hash, and whether it equals others, too.
    class Name < Value
      def hash
        @harm.call
        @text.hash
      end

      def eql?(other) = @harm.call && to_s == other.to_s
      alias == eql?
    end

    # Strings that take the places of those that have been freed, or moved.
    def self.litter = Array.new(3_000) { |number| "OTHERS-#{number}-" * 3 }

    HARMS = {
      "compact" => -> { [GC.compact, litter] },
      "collect" => -> { [GC.start, litter] },
      "let others run" => -> { [3.times { Thread.pass }, litter] }
    }.freeze
  end

  before { skip "this Ruby can't compact" unless GC.respond_to?(:compact) }

  each_mode(of_one_process: true) do
    before { only_in :threaded, "GC.compact is the main ractor's, and these objects can't be shared" }

    def parts = Array.new(50) { |number| "part #{number} #{"x" * (number * 5)}\n" }

    Hostile::HARMS.each do |what, harm|
      it "(#{what}) have the body that the app has given sent" do
        app = lambda do |_|
          headers = { Hostile::Name.new("x-name", &harm) => "1", "x-value" => Hostile::Value.new("2", &harm),
                      "x-values" => [Hostile::Value.new("3", &harm), Hostile::Value.new("4", &harm)] }
          [Hostile::Status.new(200, &harm), headers, parts]
        end
        converse(app, lint: false) do |client|
          3.times do
            answer = client.get
            expect([answer.status, answer.body == parts.join]).to eq([200, true])
            expect([answer["x-name"], answer["x-value"], *answer.values("x-values")]).to eq(%w[1 2 3 4])
          end
        end
      end

      it "(#{what}) have the body of an each, and its trailers, sent" do
        app = lambda do |env|
          each = Enumerator.new { |to| parts.each { |part| harm.call && to << part } }
          env["kino.response_trailers"] = { "x-sum" => Hostile::Value.new("9", &harm) }
          [200, { "x-value" => Hostile::Value.new("2", &harm) }, each]
        end
        converse(app, lint: false) do |client|
          bytes = client.write(RawClient.message("GET", "/", { "connection" => "close" })).read_to_end
          head, body = bytes.split("\r\n\r\n", 2)
          expect(head).to include("x-value: 2")
          chunks = parts.map { |part| "#{part.bytesize.to_s(16)}\r\n#{part}\r\n" }.join
          expect(body == "#{chunks}0\r\nx-sum: 9\r\n\r\n").to be(true)
        end
      end
    end

    # The head says how long the body is: that has to be asked after all that may change it.
    {
      "empties" => [->(body) { body.clear }, ""],
      "fills" => [->(body) { body << "more" }, "one two more"],
      "replaces parts of" => [->(body) { body.map! { "other " } }, "other other "],
      "changes the strings of" => [->(body) { body.each { |part| part << "!" } }, "one !two !"],
      "puts nil into" => [->(body) { body[0] = nil }, nil],
      "puts no String into" => [->(body) { body[1] = :symbol }, nil]
    }.each do |what, (change, sent)|
      it "whose to_s #{what} the body that is about to be sent, have it sent as it is then, or a 500" do
        app = lambda do |_|
          body = [+"one ", +"two "]
          [200, { "x-value" => Hostile::Value.new("v") { change.call(body) } }, body]
        end
        converse(app, lint: false) do |client, _, log|
          log.allow
          answer = client.get
          expect(sent ? [answer.status, answer.body] : [answer.status]).to eq(sent ? [200, sent] : [500])
          expect(client.get("/again").status).to eq(answer.status)
        end
      end
    end

    # The hash that they are in, while native code goes through it.
    {
      "deletes the others" => [->(headers) { headers.delete("x-last") }, 200],
      "clears it" => [->(headers) { headers.clear }, 200],
      "adds to it" => [->(headers) { headers["x-more"] = "more" }, 500],
      "rehashes it" => [->(headers) { headers.rehash }, 500],
      "raises" => [->(_) { raise "in to_s" }, 500],
      "throws" => [->(_) { throw :nobody_catches }, 500]
    }.each do |what, (change, status)|
      it "whose to_s #{what}, have the answer sent, or a 500" do
        app = lambda do |_|
          headers = {}
          headers["x-first"] = Hostile::Value.new("v") { change.call(headers) }
          headers["x-last"] = "last"
          [200, headers, ["body"]]
        end
        converse(app, lint: false) do |client, _, log|
          log.allow
          2.times do
            answer = client.get
            expect([answer.status, answer.body == "body"]).to eq([status, status == 200])
          end
        end
      end
    end

    it "whose to_ary, to_path, each and close change what they have told of, are sent as they tell" do
      body = Class.new do
        def initialize = @parts = ["one ", "two"].map(&:dup)
        def to_ary = GC.compact && @parts
        def close = @parts.each(&:clear) && GC.compact
      end
      path = Class.new do
        def to_path = (GC.compact && File.join(__dir__, "hostile_callbacks_spec.rb")).dup
        def each = yield("not asked")
      end
      app = ->(env) { [200, {}, env["PATH_INFO"] == "/path" ? path.new : body.new] }
      converse(app, lint: false) do |client|
        expect(client.get("/ary").body).to eq("one two")
        expect(client.get("/path").body.force_encoding("UTF-8")).to eq(File.read(__FILE__))
      end
    end
  end
end
