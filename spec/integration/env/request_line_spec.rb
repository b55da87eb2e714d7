# frozen_string_literal: true

RSpec.describe "The env of a request line" do
  each_mode(of_one_process: true) do
    def env_of(line, fields = "host: localhost\r\n")
      converse(Probes::Env) { |client| Probes.read(client.write("#{line}\r\n#{fields}\r\n").read_response) }
    end

    it "has the method, the path as it was sent, the query and the protocol" do
      expect(env_of("GET /a%20b//%2e/c?x=1&y=%20?z HTTP/1.1")).to include(
        "REQUEST_METHOD" => "GET", "SCRIPT_NAME" => "", "PATH_INFO" => "/a%20b//%2e/c",
        "QUERY_STRING" => "x=1&y=%20?z", "SERVER_PROTOCOL" => "HTTP/1.1",
        "REQUEST_PATH" => "/a%20b//%2e/c", "REQUEST_URI" => "/a%20b//%2e/c?x=1&y=%20?z"
      )
    end

    it "has an empty query where there is none" do
      expect(env_of("GET / HTTP/1.1")).to include("QUERY_STRING" => "", "REQUEST_URI" => "/", "PATH_INFO" => "/")
      expect(env_of("GET /? HTTP/1.1")).to include("QUERY_STRING" => "", "REQUEST_URI" => "/?", "PATH_INFO" => "/")
    end

    %w[POST PUT PATCH DELETE OPTIONS PROPFIND M-SEARCH get x!#$%&'*+.^_`|~].each do |method|
      it "passes the method #{method} on" do
        expect(env_of("#{method} / HTTP/1.1")).to include("REQUEST_METHOD" => method)
      end
    end

    it "tells HTTP/1.0" do
      expect(env_of("GET / HTTP/1.0", "")).to include("SERVER_PROTOCOL" => "HTTP/1.0")
    end

    it "has the asterisk of OPTIONS as its path" do
      expect(env_of("OPTIONS * HTTP/1.1")).to include("PATH_INFO" => "*", "QUERY_STRING" => "", "REQUEST_URI" => "*")
    end

    it "takes an absolute target apart; its host wins over the header's" do
      expect(env_of("GET http://example.com:8080/p/q?r=s HTTP/1.1", "host: other:1\r\n")).to include(
        "PATH_INFO" => "/p/q", "QUERY_STRING" => "r=s", "REQUEST_PATH" => "/p/q",
        "REQUEST_URI" => "http://example.com:8080/p/q?r=s",
        "HTTP_HOST" => "example.com:8080", "SERVER_NAME" => "example.com", "SERVER_PORT" => "8080"
      )
    end

    it "has / as the path of an absolute target without one" do
      expect(env_of("GET http://example.com?a HTTP/1.1")).to include("PATH_INFO" => "/", "QUERY_STRING" => "a")
    end

    it "marks a path with bytes that are not ASCII as binary" do
      path = env_of("GET /caf\xC3\xA9 HTTP/1.1".b).fetch("PATH_INFO")
      expect([path, path.encoding]).to eq(["/caf\xC3\xA9".b, Encoding::BINARY])
    end
  end
end
