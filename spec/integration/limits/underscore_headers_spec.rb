# frozen_string_literal: true

RSpec.describe "underscore_headers" do
  each_mode do
    def env_of(headers, **settings) = Probes.read(ask(Probes::Env, "GET", "/", headers, **settings))

    it "lets names with an underscore through when it is true" do
      expect(env_of({ "x_user" => "jo", "x-other" => "1" }, underscore_headers: true))
        .to include("HTTP_X_USER" => "jo", "HTTP_X_OTHER" => "1")
    end

    it "keeps them out when it is false, and unless it is said; the log has the first" do
      [{ underscore_headers: false }, {}].each do |settings|
        converse(Probes::Env, **settings) do |client, _, log|
          %w[x_user x_user x_name].each do |name|
            env = Probes.read(client.get("/", { name => "jo", "x-other" => "1" }))
            expect(env).to include("HTTP_X_OTHER" => "1").and(satisfy { |all| !all.key?("HTTP_#{name.upcase}") })
          end
          log.wait_for(/the header x_user does not reach the app.*underscore_headers true/)
          expect(log.text.scan("does not reach the app").size).to eq(1)
        end
      end
    end

    it "lets its twin with hyphens win, whichever comes first" do
      { "x_forwarded_for" => "x-forwarded-for", "x_user-name" => "x-user-name" }.each do |other, twin|
        key = "HTTP_#{twin.upcase.tr("-", "_")}"
        [[[other, "evil"], [twin, "good"]], [[twin, "good"], [other, "evil"]],
         [[other, "evil"], [twin, "good"], [other.upcase, "worse"]]].each do |fields|
          message = "GET / HTTP/1.1\r\nhost: x\r\n#{fields.map { |field| "#{field.join(": ")}\r\n" }.join}\r\n"
          env = converse(Probes::Env, underscore_headers: true) do |client|
            Probes.read(client.write(message).read_response)
          end
          expect(env).to include(key => "good"), "#{fields}: #{env[key].inspect}"
        end
      end
    end

    it "joins it with others whose key is the same" do
      expect(env_of({ "x_user" => %w[one two], "X_USER" => "three" }, underscore_headers: true))
        .to include("HTTP_X_USER" => "one, two, three")
    end

    it "sets no scheme, host or port by it" do
      not_over_tls("scheme and port are the address's own")
      env = env_of({ "x_forwarded_proto" => "https", "x_forwarded-host" => "evil.example" }, underscore_headers: true)
      expect(env).to include("rack.url_scheme" => "http", "SERVER_NAME" => "localhost", "SERVER_PORT" => "80")
    end

    it "lets none pass for content-length, content-type or Proxy all the same" do
      env = env_of({ "content_length" => "5", "content_type" => "text/evil", "proxy" => "http://evil" },
                   underscore_headers: true)
      expect(env).not_to include("HTTP_PROXY")
      expect(env["CONTENT_LENGTH"]).to be_nil
      expect(env["CONTENT_TYPE"]).to be_nil
    end
  end
end
