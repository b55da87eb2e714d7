# frozen_string_literal: true

RSpec.describe "underscore_headers" do
  each_mode do
    def env_of(headers, **settings) = Probes.read(ask(Probes::Env, "GET", "/", headers, **settings))

    it "lets names with an underscore through when it is true" do
      expect(env_of({ "x_user" => "jo", "x-other" => "1" }, underscore_headers: true))
        .to include("HTTP_X_USER" => "jo", "HTTP_X_OTHER" => "1")
    end

    it "keeps them out when it is false, and unless it is said" do
      expect(env_of({ "x_user" => "jo", "x-other" => "1" }, underscore_headers: false)).not_to include("HTTP_X_USER")
      expect(env_of({ "x_user" => "jo", "x-other" => "1" })).not_to include("HTTP_X_USER")
    end

    it "joins it with its twin, whose key is the same" do
      expect(env_of({ "x_user" => "one", "x-user" => "two" }, underscore_headers: true))
        .to include("HTTP_X_USER" => "one, two")
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
