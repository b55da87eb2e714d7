# frozen_string_literal: true

RSpec.describe "The env's headers" do
  each_mode(of_one_process: true) do
    def env_of(headers, body = nil)
      Probes.read(ask(Probes::Env, body ? "POST" : "GET", "/", headers, body))
    end

    it "are HTTP_ and the name in capitals, with the white space around the value gone" do
      expect(env_of("x-Some-Thing" => " \t a  b \t", "accept" => "*/*"))
        .to include("HTTP_X_SOME_THING" => "a  b", "HTTP_ACCEPT" => "*/*", "HTTP_HOST" => "localhost")
    end

    it "keep a value that is empty" do
      expect(env_of("x-empty" => "")).to include("HTTP_X_EMPTY" => "")
    end

    it "have the content's type and length without HTTP_" do
      env = env_of({ "Content-Type" => "text/plain" }, "hello")
      expect(env).to include("CONTENT_TYPE" => "text/plain", "CONTENT_LENGTH" => "5")
      expect(env).not_to include("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH")
    end

    it "have no content's type and length where the client sent none" do
      expect(env_of({})).not_to include("CONTENT_TYPE", "CONTENT_LENGTH")
    end

    it "join what came more than once, whatever the capitals, cookies by their own separator" do
      env = env_of("x-forwarded-for" => ["10.0.0.1", "10.0.0.2"], "X-FORWARDED-FOR" => "10.0.0.3",
                   "cookie" => ["a=1", "b=2; c=3"])
      expect(env).to include("HTTP_X_FORWARDED_FOR" => "10.0.0.1, 10.0.0.2, 10.0.0.3",
                             "HTTP_COOKIE" => "a=1; b=2; c=3")
    end

    it "leave out a name with an underscore, which would pass for its twin with a hyphen" do
      converse(Probes::Env) do |client, _, log|
        ask = ->(headers) { Probes.read(client.get("/", headers)) }
        expect(ask.call({ "content_length" => "5" })).not_to include("CONTENT_LENGTH", "HTTP_CONTENT_LENGTH")
        expect(log.unexpected).to eq("") # no setting lets that one through
        expect(ask.call({ "x_real_ip" => "evil", "x-real-ip" => "good", "x_other" => "evil" }))
          .to include("HTTP_X_REAL_IP" => "good").and(satisfy { |env| !env.key?("HTTP_X_OTHER") })
        expect(ask.call({ "x_forwarded-proto" => "https" })).not_to include("HTTP_X_FORWARDED_PROTO")
        log.wait_for(/the header x_real_ip does not reach the app/)
      end
    end

    it "leave out Proxy, which libraries take for the setting HTTP_PROXY" do
      expect(env_of("Proxy" => "http://evil:1")).not_to include("HTTP_PROXY")
    end

    it "mark bytes that are not ASCII as binary" do
      value = env_of("x-name" => "Zo\xC3\xAB\xFF".b).fetch("HTTP_X_NAME")
      expect([value, value.encoding]).to eq(["Zo\xC3\xAB\xFF".b, Encoding::BINARY])
    end

    it "carry names and values of every size up to the bounds" do
      headers = Array.new(100) { |n| ["x-#{"n" * n}#{n}", "v" * (n * 5)] }.to_h
      expected = headers.transform_keys { |name| "HTTP_#{name.upcase.tr("-", "_")}" }
      expect(env_of(headers)).to include(expected)
    end
  end
end
