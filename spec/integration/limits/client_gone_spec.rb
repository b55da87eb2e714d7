# frozen_string_literal: true

require "tmpdir"

RSpec.describe 'env["kino.client_gone?"]' do
  each_mode do
    # Asks once, and again and again after it was told to, until it is so or Eventually::DEADLINE is over.
    let(:told) { Channel.new }
    let(:go_on) { Channel.new }
    let(:app) do
      told, go_on = self.told, self.go_on
      shareable do
        lambda do |env|
          is_gone = env["kino.client_gone?"]
          told << is_gone.call
          go_on.pop
          until_then = Process.clock_gettime(Process::CLOCK_MONOTONIC) + (Eventually::DEADLINE / 2)
          sleep 0.01 until is_gone.call || Process.clock_gettime(Process::CLOCK_MONOTONIC) > until_then
          told << [is_gone.call, env["kino.request"].client_gone?]
          [200, {}, ["answer"]]
        end
      end
    end

    around { |example| Dir.mktmpdir("kino") { |folder| @unix = "unix://#{folder}/kino.sock" and example.run } }

    ways = { "has reset its connection" => ["tcp://127.0.0.1:0", :abort],
             "has closed its unix socket" => [nil, :close] }
    ways.each do |what, (address, leave)|
      it "is false before, and true once the client #{what}" do
        # The connection may be lost when the app answers, which is logged.
        serve(app, bind: [address || @unix], workers: 1, threads: 1) do |server, log|
          log.allow
          client = RawClient.open(server.url).write(RawClient.message("GET", "/"))
          expect(take(told)).to be(false)
          client.public_send(leave)
          go_on << true
          expect(take(told)).to eq([true, true])
          eventually("the connection is closed") { server.stats[:connections].zero? }
        end
      end
    end

    it "stays false for one that has ended its sending half, and gets its answer" do
      told, go_on = self.told, self.go_on
      app = shareable do
        lambda do |env|
          told << true
          go_on.pop
          [200, {}, [Array.new(100) { env["kino.client_gone?"].call }.uniq.inspect]]
        end
      end
      ["tcp://127.0.0.1:0", @unix].each do |address|
        converse(app, bind: [address]) do |client, server|
          client.write(RawClient.message("GET", "/"))
          take(told)
          client.close_write
          go_on << true
          expect(client.read_response.body).to eq("[false]")
          expect(client).to be_closed
          expect(server.stats).to include(gone: 0, aborted: 0)
        end
      end
    end

    it "stays false for one that waits" do
      app = shareable { ->(env) { [200, {}, [Array.new(100) { env["kino.client_gone?"].call }.uniq.inspect]] } }
      converse(app) { |client| 3.times { expect(client.get.body).to eq("[false]") } }
    end
  end
end
