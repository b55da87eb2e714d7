# frozen_string_literal: true

require "rack/headers"

RSpec.describe "Response headers" do
  each_mode(of_one_process: true) do
    # Each answer has headers of its own, as an app's usually are.
    def answer_with(headers, **options)
      Ractor.make_shareable(headers)
      ask(shareable { ->(_) { [200, headers.dup, ["body"]] } }, **options)
    end

    it "come in the app's order" do
      response = answer_with({ "x-b" => "1", "content-type" => "text/plain", "x-a" => "2" })
      expect(response.names & %w[x-a x-b content-type]).to eq(%w[x-b content-type x-a])
      expect(response["content-type"]).to eq("text/plain")
    end

    it "with an Array are repeated, in order" do
      response = answer_with({ "set-cookie" => ["a=1; path=/", "b=2", "c=3"], "x-none" => [] })
      expect(response.values("set-cookie")).to eq(["a=1; path=/", "b=2", "c=3"])
      expect(response.values("x-none")).to eq([])
    end

    it "with other values are told by to_s" do
      response = answer_with({ "x-number" => 42, "x-symbol" => :yes, "x-list" => [1, :two], "x-float" => 1.5,
                               "age" => 7 }, lint: false)
      expect(%w[x-number x-symbol x-float age].map { |name| response[name] }).to eq(%w[42 yes 1.5 7])
      expect(response.values("x-list")).to eq(%w[1 two])
    end

    it "may be frozen, or a Hash of another class" do
      app = shareable { ->(_) { [200, { "x-own" => "y" }.freeze, ["body"]] } }
      expect(ask(app, lint: false)["x-own"]).to eq("y")
      expect(answer_with(Rack::Headers["X-Own" => "y"])["x-own"]).to eq("y")
    end

    it "may have capitals, as Rack 2's apps do" do
      response = answer_with({ "Content-Type" => "text/html", "Content-Length" => "4" }, lint: false)
      expect([response["content-type"], response["content-length"], response.body]).to eq(%w[text/html 4 body])
    end

    it "may have an empty value, tabs, and bytes that are not ASCII" do
      response = answer_with({ "x-empty" => "", "x-tab" => "a\tb", "x-name" => "Zo\u00eb", "x-raw" => "\xFF".b },
                             lint: false)
      expect(%w[x-empty x-tab x-name x-raw].map { |name| response[name] })
        .to eq(["", "a\tb", "Zo\xC3\xAB".b, "\xFF".b])
    end

    it "that start with rack. are for the server, and not sent" do
      response = answer_with({ "rack.own" => "secret", "x-own" => "y" })
      expect(response.names).to include("x-own").and(satisfy { |names| names.grep(/\Arack/).empty? })
    end

    it "of every size are sent whole" do
      headers = Array.new(200) { |n| ["x-#{"n" * (n % 50)}#{n}", "v" * (n * 20)] }.to_h
      response = answer_with(headers)
      expect(headers.keys.to_h { |name| [name, response[name]] }).to eq(headers)
    end

    # As with Rack 2, and so with Puma's apps: secure_headers and rack-proxy do so.
    it "with values joined by LF are a line for each" do
      headers = Ractor.make_shareable({ "set-cookie" => "a=1\nb=2\n", "x-one" => ["c\nd", "e"] })
      expect(ask(shareable { ->(_) { [200, headers.dup, []] } }, lint: false).fields.first(5))
        .to eq([%w[set-cookie a=1], %w[set-cookie b=2], %w[x-one c], %w[x-one d], %w[x-one e]])
    end

    it "may be pairs, of which several have one name, as with Puma" do
      pairs = Ractor.make_shareable([%w[set-cookie a=1], %w[x-one b], ["set-cookie", %w[b=2 c=3]], %w[set-cookie d=4]])
      expect(ask(shareable { ->(_) { [200, pairs, []] } }, lint: false).fields.first(5))
        .to eq([%w[set-cookie a=1], %w[set-cookie b=2], %w[set-cookie c=3], %w[set-cookie d=4], %w[x-one b]])
    end

    it "have no status, which Rack's SPEC has none of: Puma leaves it out, too" do
      %w[status Status].each do |name|
        app = shareable { ->(_) { [200, { name => "404 Not Found", "x-one" => "a" }, []] } }
        expect(ask(app, lint: false).fields.map(&:first)).to eq(%w[x-one content-length date])
      end
    end

    bad = shareable do
      {
        "a value with CR LF" => { "x-bad" => "a\r\nx-injected: b" },
        "a value with CR alone" => { "x-bad" => "a\rb" },
        "a value with NUL" => { "x-bad" => "a\0b" },
        "a value that ends in CR LF" => { "x-bad" => "a\r\n" },
        "such a value in an Array" => { "x-bad" => ["good", "a\r\nx-injected: b"] },
        "such a value by to_s" => { "x-bad" => :"a\r\nx-injected: b" },
        "a name with CR LF" => { "x-bad: y\r\nx-injected" => "b" },
        "a name with a space" => { "x bad" => "b" },
        "a name with a colon" => { "x-bad:" => "b" },
        "an empty name" => { "" => "x-bad" },
        "a content-length that is no number" => { "content-length" => "bad" },
        "two content-lengths that differ" => { "content-length" => "4", "Content-Length" => "5" },
        "lines of a content-length that differ" => { "content-length" => "4\n5" }
      }
    end
    bad.each do |what, headers|
      it "with #{what} are refused: 500, logged, nothing of it sent" do
        app = shareable { ->(env) { [200, env["PATH_INFO"] == "/bad" ? headers : {}, ["body"]] } }
        converse(app, lint: false) do |client, server, log|
          bytes = client.write(RawClient.message("GET", "/bad", { "connection" => "close" })).read_to_end
          head, = bytes.split("\r\n\r\n", 2)
          expect(head).to start_with("HTTP/1.1 500 ")
          expect(head).not_to match(/x-injected|x.bad|bad/i)
          log.wait_for(/x.bad|content-length|name is empty/)
          expect(RawClient.open(server.url) { |other| other.get.status }).to eq(200)
        end
      end
    end
  end
end
