# frozen_string_literal: true

require "support/kino_process"

# `ulimit -f`, or systemd's LimitFSIZE: by default the kernel ends a process that writes past it.
RSpec.describe "A limit on the size of files" do
  include KinoProcess::Helpers

  it "makes a body that is too long for it a 503, and no end of the server" do
    write("config.ru", <<~RUBY)
      Process.setrlimit(:FSIZE, 200_000)
      run ->(env) { [200, {}, [env["rack.input"].read.bytesize.to_s]] }
    RUBY
    process = kino("-b", "tcp://127.0.0.1:0")
    RawClient.open(process.url) do |client|
      expect(client.post("/", "x" * 100_000).body).to eq("100000")
      expect(client.post("/", "x" * 3_000_000).status).to eq(503)
    end
    expect(process.get("/").body).to eq("0")
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to match(/no room in spool_dir/)
  end
end
