# frozen_string_literal: true

RSpec.describe "A String the app gave to the server" do
  each_mode(of_one_process: true) do
    # Asks, and reads the answer only after the app has said that it is done with its strings.
    def read_late(app, told)
      # Lint would close the body before the answer is handed over.
      serve(app, lint: false, workers: 1, threads: 2) do |server|
        RawClient.open(server.url) do |client|
          client.write(RawClient.message("GET", "/"))
          take(told)
          RawClient.open(server.url) { |other| other.get("/other") }
          client.read_response.body
        end
      end
    end

    # An app whose strings are made by `make`, and changed by `spoil` as soon as its answer has been handed over.
    def spoiling(make, spoil, told)
      shareable do
        lambda do |env|
          next [200, {}, []] if env["PATH_INFO"] == "/other"

          parts = make.call
          done = lambda do
            spoil.call(parts)
            told << true
          end
          [200, {}, Bodies::HandedOver.new(parts, done)]
        end
      end
    end

    spoilers = shareable do
      { "cleared" => ->(parts) { parts.each(&:clear) },
        "overwritten in place" => lambda do |parts|
          parts.each { |part| 0.step(part.bytesize - 1, 999) { |at| part.setbyte(at, 0) } }
        end,
        "replaced" => ->(parts) { parts.each { |part| part.replace("changed " * 1_000) } },
        "made longer" => ->(parts) { parts.each { |part| part << ("more" * 100_000) } },
        "moved by a compacting collector" => ->(_) { GC.respond_to?(:compact) ? GC.compact : GC.start },
        "forgotten" => lambda do |parts|
          parts.clear
          GC.start
        end }
    end
    spoilers.each do |what, spoil|
      it "may be #{what} once the answer is handed over, though the client has read none of it" do
        make = shareable do
          -> { [+"head ", Random.new(1).bytes(12_000_000), +" tail", *Array.new(100) { |n| +"part #{n}" }] }
        end
        told = Channel.new
        expect(read_late(spoiling(make, spoil, told), told) == make.call.join.b).to be(true)
      end
    end

    { "each" => Bodies::Each, "call" => Bodies::Called }.each do |kind, body_class|
      it "may be used again for the next part, by #{kind}" do
        app = shareable do
          lambda do |_|
            buffer = +""
            body = body_class.new do |out|
              200.times do |n|
                buffer.replace((n % 256).chr * (n * 200))
                kind == "call" ? out.write(buffer) : out.call(buffer)
              end
            end
            [200, {}, body]
          end
        end
        expected = Array.new(200) { |n| (n % 256).chr.b * (n * 200) }.join
        expect(ask(app).body == expected).to be(true)
      end
    end

    spoilers.except("forgotten").each do |what, spoil|
      [1, 40].each do |number|
        it "may be #{what} while a header's to_s runs, with #{number} of them: what is sent is what is there then" do
          app = shareable do
            lambda do |_|
              parts = Array.new(number) { |n| "part #{n} " * 500 }
              late = Bodies::Late.new(lambda do
                spoil.call(parts)
                Array.new(1_000) { +"another" * 10 }.sum(&:bytesize).to_s
              end)
              [200, { "x-late" => late }, parts]
            end
          end
          parts = Array.new(number) { |n| "part #{n} " * 500 }
          spoil.call(parts)
          converse(app, lint: false) do |client|
            2.times { expect(client.get.body == parts.join.b).to be(true) }
          end
        end
      end
    end

    it "may be replaced by something else while a header's to_s runs, which is a 500" do
      app = shareable do
        lambda do |_|
          parts = %w[one two three]
          [200, { "x-late" => Bodies::Late.new(-> { (parts[1] = :none).to_s }) }, parts]
        end
      end
      converse(app, lint: false) do |client, _, log|
        expect(client.get.status).to eq(500)
        log.wait_for(/a part of the app's body is :none; allowed are Strings/)
      end
    end

    it "as a header's value may be changed afterwards too" do
      app = shareable do
        lambda do |_|
          value = Thread.current[:value] ||= +"first"
          answer = [200, { "x-own" => value.dup, "x-list" => [value.dup, value.dup] }, [value.dup]]
          value.replace("next")
          answer
        end
      end
      converse(app, threads: 1) do |client|
        first = client.get
        expect([first["x-own"], first.values("x-list"), first.body]).to eq(["first", %w[first first], "first"])
        expect(client.get["x-own"]).to eq("next")
      end
    end
  end
end
