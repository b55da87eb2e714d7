# frozen_string_literal: true

require "support/others_tools"

RSpec.describe "Others' clients of HTTP/2" do
  include OthersTools

  let(:app) do
    shareable do
      lambda do |env|
        body = env["rack.input"].read.to_s
        [200, { "content-type" => "text/plain" }, ["#{env["SERVER_PROTOCOL"]} #{body.bytesize} ", "x" * 100_000]]
      end
    end
  end

  each_mode do
    it "are curl, which also sends what is long" do
      serve(app, http2: true) do |server|
        options = ["-sS", "--http2-prior-knowledge", "--max-time", "60"]
        said = ask_by("curl", *options, server.url)
        expect([said[0, 10], said.size]).to eq(["HTTP/2 0 x", 100_009])
        expect(IO.popen(["curl", *options, "-T", "-", server.url], "r+b") do |curl|
          Thread.new { 30.times { curl.write("y" * 65_536) } && curl.close_write }
          curl.read
        end).to start_with("HTTP/2 #{30 * 65_536} x")
      end
    end

    it "are nghttp, with several requests on one connection" do
      serve(app, http2: true) do |server|
        said = ask_by("nghttp", "-n", "-s", "-m", "20", "-t", "60", server.url)
        expect(said.scan(/ 200 +\d+K? +\//).size).to eq(20)
      end
    end

    it "is Node, which opens a tunnel for a WebSocket beside a request (RFC 8441)" do
      app = shareable do
        lambda do |env|
          next [200, {}, ["ordinary"]] unless env["rack.protocol"]

          [101, { "rack.protocol" => "websocket" }, lambda do |io|
            io.write("said #{io.readpartial(100)}")
            io.close
          end]
        end
      end
      script = <<~JS
        const session = require("node:http2").connect(process.argv[1])
        session.on("remoteSettings", (settings) => {
          if (!settings.enableConnectProtocol) { throw new Error("no tunnels") }
          const tunnel = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/" },
                                         { endStream: false })
          tunnel.on("response", (fields) => {
            const request = session.request({ ":path": "/" })
            request.resume()
            request.on("end", () => tunnel.write("hello"))
            console.log(fields[":status"])
          })
          tunnel.on("data", (data) => console.log(data.toString()))
          tunnel.on("end", () => { tunnel.end(); session.close() })
        })
      JS
      serve(app, lint: false, http2: true) do |server|
        expect(ask_by("node", "-e", script, server.url).lines(chomp: true)).to eq(["200", "said hello"])
      end
    end

    it "is Python's httpx, with many at a time, over TLS" do
      script = <<~PYTHON
        import asyncio, httpx, sys
        async def main():
            async with httpx.AsyncClient(http2=True, verify=False, timeout=60) as client:
                async def ask(n):
                    answer = await client.post(sys.argv[1], content=b"y" * n * 1000)
                    head, rest = answer.text.split(" x", 1)
                    return f"{answer.http_version} {answer.status_code} {head} {len(rest) + 1}"
                for said in await asyncio.gather(*(ask(n) for n in range(0, 100, 10))):
                    print(said)
        asyncio.run(main())
      PYTHON
      has = system("python3", "-c", "import httpx, h2", out: File::NULL, err: File::NULL)
      skip "httpx, with h2, is not installed (pip install 'httpx[http2]')" unless has
      serve(app, bind: ["ssl://127.0.0.1:0"], tls: TLS.made.given) do |server|
        expected = (0...100).step(10).map { |n| "HTTP/2 200 HTTP/2 #{n * 1000} 100000" }
        expect(ask_by("python3", "-c", script, server.url).lines(chomp: true)).to eq(expected)
      end
    end

    it "are h2load, with many at a time" do
      not_of_processes("one that has much to do sends clients elsewhere (GOAWAY), and h2load goes nowhere")
      serve(app, http2: true) do |server|
        said = ask_by("h2load", "-n", "500", "-c", "3", "-m", "40", server.url)
        expect(said).to include("500 succeeded, 0 failed, 0 errored, 0 timeout")
      end
    end
  end
end
