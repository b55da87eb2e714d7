# frozen_string_literal: true

RSpec.describe "rack.early_hints" do
  each_mode do
    # An app that gives each of the hints, and then answers.
    def hinting(*hints)
      Ractor.make_shareable(hints)
      shareable do
        lambda do |env|
          hints.each { |headers| env["rack.early_hints"].call(headers.dup) }
          [200, { "content-type" => "text/plain" }, ["the answer"]]
        end
      end
    end

    it "are sent in their order, before the answer" do
      app = hinting({ "link" => "</a.css>; rel=preload" }, { "link" => ["</b.js>", "</c.js>"], "x-own" => "y" })
      converse(app, early_hints: true) do |client|
        2.times do
          client.write(RawClient.message("GET", "/"))
          first, second, answer = Array.new(3) { client.read_response }
          expect([first.status, first.reason, first.fields]).to eq([103, "Early Hints",
                                                                    [["link", "</a.css>; rel=preload"]]])
          expect(second.fields).to eq([["link", "</b.js>"], ["link", "</c.js>"], %w[x-own y]])
          expect([answer.status, answer.body, answer["link"]]).to eq([200, "the answer", nil])
        end
      end
    end

    it "reach the client while the app is still at it" do
      go_on = Channel.new
      app = shareable do
        lambda do |env|
          env["rack.early_hints"].call("link" => "</a.css>")
          go_on.pop
          [200, {}, ["late"]]
        end
      end
      converse(app, early_hints: true) do |client|
        client.write(RawClient.message("GET", "/"))
        expect(client.read_response.status).to eq(103)
        go_on << true
        expect(client.read_response.body).to eq("late")
      end
    end

    it "are not for clients of HTTP/1.0" do
      converse(hinting({ "link" => "</a.css>" }), early_hints: true) do |client|
        answer = client.write("GET / HTTP/1.0\r\n\r\n").read_response
        expect([answer.status, answer.body]).to eq([200, "the answer"])
      end
    end

    it "can't break the message" do
      app = shareable do
        lambda do |env|
          env["rack.early_hints"].call("link" => "</a.css>\r\nx-evil: 1")
        rescue Kino::ResponseError => error
          [200, {}, [error.message]]
        end
      end
      expect(ask(app, early_hints: true, lint: false).body)
        .to match(%r{has a CR or NUL: given "</a.css>\\r" for "link"})
    end

    it "may be followed by an error, which is a 500" do
      app = shareable do
        lambda do |env|
          env["rack.early_hints"].call("link" => "</a.css>")
          raise "after the hints"
        end
      end
      converse(app, early_hints: true) do |client, _, log|
        client.write(RawClient.message("GET", "/"))
        expect([client.read_response.status, client.read_response.status]).to eq([103, 500])
        log.wait_for(/after the hints/)
      end
    end

    it "are not offered unless they are asked for: proxies hand a 103 out as the answer" do
      app = shareable { ->(env) { Probes.answer(env.key?("rack.early_hints")) } }
      expect([Probes.read(ask(app)), Probes.read(ask(app, early_hints: true))]).to eq([false, true])
    end

    it "are those of their own request, on whatever thread, and come to nothing when that is over" do
      only_in :threaded, "the app keeps what isn't shareable"
      kept = Thread::Queue.new
      app = lambda do |env|
        hints = env["rack.early_hints"]
        kept.pop.call("link" => "</of-the-first.css>") if env["PATH_INFO"] == "/second"
        Thread.new { hints.call("link" => "<#{env["PATH_INFO"]}>") }.join
        kept << hints if env["PATH_INFO"] == "/first"
        [200, {}, ["the answer"]]
      end
      converse(app, early_hints: true) do |client|
        %w[/first /second].each do |path|
          client.write(RawClient.message("GET", path))
          expect(client.read_response.fields).to eq([["link", "<#{path}>"]])
          expect(client.read_response.body).to eq("the answer")
        end
      end
    end

    it "are sent once, and together where they come together" do
      app = hinting({ "link" => "</a.css>\n</b.js>" }, { "link" => "</a.css>" }, { "Link" => ["</b.js>", "</c.js>"] })
      converse(app, early_hints: true, lint: false) do |client|
        client.write(RawClient.message("GET", "/"))
        first, second, answer = Array.new(3) { client.read_response }
        links = [first, second].map { |hints| hints.values("link") }
        expect(links).to eq([%w[</a.css> </b.js>], %w[</c.js>]])
        expect(answer.status).to eq(200)
      end
    end
  end
end
