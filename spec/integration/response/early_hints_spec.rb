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
      converse(app) do |client|
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
      converse(app) do |client|
        client.write(RawClient.message("GET", "/"))
        expect(client.read_response.status).to eq(103)
        go_on << true
        expect(client.read_response.body).to eq("late")
      end
    end

    it "are not for clients of HTTP/1.0" do
      converse(hinting({ "link" => "</a.css>" })) do |client|
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
      expect(ask(app, lint: false).body).to match(/has a CR, LF or NUL: given "<\/a.css>\\r\\nx-evil: 1" for "link"/)
    end

    it "may be followed by an error, which is a 500" do
      app = shareable do
        lambda do |env|
          env["rack.early_hints"].call("link" => "</a.css>")
          raise "after the hints"
        end
      end
      converse(app) do |client, _, log|
        client.write(RawClient.message("GET", "/"))
        expect([client.read_response.status, client.read_response.status]).to eq([103, 500])
        log.wait_for(/after the hints/)
      end
    end

    it "do nothing on another thread, as Rails' ActionController::Live calls them" do
      app_starts_threads
      app = shareable do
        lambda do |env|
          Thread.new { env["rack.early_hints"].call("link" => "</a.css>") }.join
          [200, {}, ["the answer"]]
        end
      end
      expect(ask(app).body).to eq("the answer")
    end
  end
end
