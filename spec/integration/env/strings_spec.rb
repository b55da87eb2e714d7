# frozen_string_literal: true

# Public middleware changes strings of the env in place (`force_encoding`, `sub!`, `<<`), as Puma lets it.
RSpec.describe "The env's strings" do
  # Of every request, and of one with headers. (SCRIPT_NAME is frozen with Puma, too.)
  always = %w[REQUEST_URI REQUEST_PATH PATH_INFO QUERY_STRING SERVER_NAME REMOTE_ADDR]
  with_headers = always + %w[HTTP_HOST HTTP_USER_AGENT HTTP_X_OTHER HTTP_COOKIE CONTENT_TYPE CONTENT_LENGTH]
  without_host = "GET / HTTP/1.0\r\n\r\n"

  each_mode(of_one_process: true) do
    # Answers with copies of the env's strings, and changes all that are not frozen.
    let(:meddler) do
      shareable do
        lambda do |env|
          answer = Probes.answer(Probes.strings(env))
          env.each_value { |value| value.sub!(/\A/, "CHANGED ") << " too" if value.is_a?(String) && !value.frozen? }
          answer
        end
      end
    end

    let(:headers) do
      { "host" => "example.com:8080", "user-agent" => "x", "x-other" => "y", "cookie" => ["a=1", "b=2"],
        "content-type" => "text/plain" }
    end

    [["/path", {}], ["/path?query", {}], ["/path", { "host" => "other.example", "forwarded" => "proto=https" }],
     ["/path", { "x-forwarded-proto" => "https", "x-forwarded-host" => "far.example" }]].each do |target, more|
      it "show nothing in the next request of what was changed in them: #{target} #{more}" do
        converse(meddler, threads: 1) do |client|
          envs = Array.new(3) { Probes.read(client.request("POST", target, headers.merge(more), "body")) }
          expect(envs.uniq.size).to eq(1)
          expect(envs.first.values.join).not_to include("CHANGED")
        end
      end
    end

    it "show nothing of it in another connection's, either" do
      serve(meddler, threads: 1) do |server|
        [RawClient.message("GET", "/path", headers), without_host].each do |message|
          envs = Array.new(3) do
            RawClient.open(server.url) { |client| Probes.read(client.write(message).read_response) }
          end
          expect(envs.uniq.size).to eq(1)
        end
      end
    end

    it "can be changed, each for itself but for REQUEST_PATH and PATH_INFO, which are one with Puma, too" do
      app = shareable do
        lambda do |env|
          strings = env.select { |name, value| value.is_a?(String) && !name.include?(".") }
          free = strings.reject { |_, value| value.frozen? }
          are_apart = free.except("REQUEST_PATH").values.map(&:object_id).uniq.size == free.size - 1
          Probes.answer([free.keys, are_apart && env["REQUEST_PATH"].equal?(env["PATH_INFO"])])
        end
      end
      converse(app) do |client|
        names, are_apart = Probes.read(client.request("POST", "/path", headers, "body"))
        expect([names - with_headers, with_headers - names, are_apart]).to eq([[], [], true])
        names, are_apart = Probes.read(client.write(without_host).read_response)
        expect([names - always, always - names, are_apart]).to eq([[], [], true])
      end
    end

    it "are the request's, wherever the collector moves them" do
      app = shareable do
        lambda do |env|
          GC.start
          GC.compact if GC.respond_to?(:compact)
          Probes.answer(Probes.strings(env))
        end
      end
      converse(app, threads: 1) do |client|
        3.times do |number|
          env = Probes.read(client.get("/#{number}?q#{number}", "host" => "#{number}.example:#{number}", "x-a" => "b"))
          expect(env).to include("PATH_INFO" => "/#{number}", "REQUEST_PATH" => "/#{number}", "SCRIPT_NAME" => "",
                                 "REQUEST_URI" => "/#{number}?q#{number}", "QUERY_STRING" => "q#{number}",
                                 "SERVER_NAME" => "#{number}.example", "SERVER_PORT" => number.to_s,
                                 "HTTP_HOST" => "#{number}.example:#{number}", "REMOTE_ADDR" => "127.0.0.1")
        end
      end
    end

    it "are frozen where they are the server's own" do
      app = shareable { ->(env) { Probes.answer(Probes.strings(env).select { |_, value| value.frozen? }.keys) } }
      expect(Probes.read(ask(app))).to include("SERVER_SOFTWARE")
    end

    it "name the protocol twice, as Puma does, whatever a client says of a version" do
      expect(Probes.read(ask(Probes::Env, "GET", "/", { "version" => "9.9" }))).to include("HTTP_VERSION" => "HTTP/1.1")
      env = converse(Probes::Env) { |client| Probes.read(client.write(without_host).read_response) }
      expect(env).to include("HTTP_VERSION" => "HTTP/1.0", "SERVER_PROTOCOL" => "HTTP/1.0")
    end
  end
end
