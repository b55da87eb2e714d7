# frozen_string_literal: true

require "rack/request"
require "rack/session"
require "uri"

RSpec.describe "Rack::Session::Cookie" do
  each_mode do
    before { only_in :threaded, "Rack::Session::Cookie's encryptor changes itself when it is first used" }

    # Counts visits; GET /out ends the session, and GET /look doesn't touch it.
    let(:counter) do
      lambda do |env|
        session = env["rack.session"]
        case env["PATH_INFO"]
        when "/look" then [200, {}, ["nothing to see"]]
        when "/out"
          session.destroy
          [200, {}, ["bye"]]
        else
          session["visits"] = session.fetch("visits", 0) + 1
          session["name"] = Rack::Request.new(env).GET["name"] || session["name"]
          [200, { "set-cookie" => "theme=dark" }, [[session["visits"], *session["name"]].join(" ")]]
        end
      end
    end

    let(:secret) { "not a secret, but long enough for a key. " * 2 }

    def with_session(**options)
      Rack::Session::Cookie.new(counter, { secrets: [secret], key: "kino.session", **options })
    end

    def session_cookie(response) = response.values("set-cookie").grep(/\Akino\.session=/)

    # The name and the value, as a client sends them back; and the attributes.
    def crumbs(response) = session_cookie(response).first.split("; ", 2)

    def cookie(response) = { "cookie" => crumbs(response).first }

    it "counts visits in the cookie that the client carries" do
      converse(with_session) do |client|
        response = client.get("/")
        2.upto(6) do |visits|
          response = client.get("/", cookie(response))
          expect(response.body).to eq(visits.to_s)
        end
        expect(client.get("/").body).to eq("1")
      end
    end

    it "keeps what isn't ASCII, and what would end a cookie" do
      converse(with_session) do |client|
        name = "Zo\u00eb; path=/ \r\n\u2603"
        first = client.get("/?name=#{URI.encode_www_form_component(name)}")
        expect(client.get("/", cookie(first)).body).to eq("2 #{name}".b)
      end
    end

    it "sends the session's cookie beside the app's own" do
      response = ask(with_session)
      expect(response.values("set-cookie").map { |line| line[/\A[^=]+/] }).to contain_exactly("theme", "kino.session")
    end

    it "sends no cookie where the session wasn't touched" do
      expect(session_cookie(ask(with_session, "GET", "/look"))).to eq([])
    end

    it "has the flags that it is given" do
      converse(with_session(path: "/shop", domain: "example.org", same_site: :strict, expire_after: 3600)) do |client|
        flags = crumbs(client.get("/shop")).last.split("; ")
        expect(flags).to include("domain=example.org", "path=/shop", "httponly", "samesite=strict")
        expires = flags.find { |flag| flag.start_with?("expires=") }.delete_prefix("expires=")
        expect(Time.httpdate(expires)).to be > Time.now
      end
    end

    it "is for HTTP only unless it is said otherwise" do
      expect(crumbs(ask(with_session)).last.split("; ")).to contain_exactly("path=/", "httponly")
      expect(crumbs(ask(with_session(httponly: false))).last).to eq("path=/")
    end

    it "with secure is sent only to who has come by TLS, to the proxy in front" do
      converse(with_session(secure: true)) do |client|
        expect(session_cookie(client.get("/"))).to eq([])
        secured = client.get("/", { "x-forwarded-proto" => "https" })
        expect(crumbs(secured).last.split("; ")).to include("secure")
      end
    end

    it "begins anew when it is destroyed" do
      converse(with_session) do |client|
        second = client.get("/", cookie(client.get("/")))
        expect(second.body).to eq("2")
        expect(client.get("/", cookie(client.get("/out", cookie(second)))).body).to eq("1")
      end
    end

    it "begins anew for a cookie that was tampered with, and says so" do
      converse(with_session) do |client, _, log|
        cookie = cookie(client.get("/"))
        expect(client.get("/", { "cookie" => cookie["cookie"].sub(/.{8}\z/, "AAAAAAAA") }).body).to eq("1")
        log.wait_for(/Session cookie encryptor error/)
        expect(client.get("/", cookie).body).to eq("2")
      end
    end

    it "is each visitor's own when many come at once" do
      serve(with_session) do |server|
        seen = concurrently(6) do |number|
          RawClient.visit(server.url, 10) do |client, _, before|
            before ? client.get("/", cookie(before)) : client.get("/?name=visitor#{number}")
          end.body
        end
        expect(seen).to eq(Array.new(6) { |number| "10 visitor#{number}" })
      end
    end
  end
end
