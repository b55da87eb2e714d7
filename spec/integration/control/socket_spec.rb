# frozen_string_literal: true

require_relative "../../support/control_socket"

RSpec.describe "The control socket" do
  include ControlSocket

  each_mode(of_one_process: false) do
    let(:app) { shareable { ->(_) { [200, {}, ["served"]] } } }

    it "says that the server lives and is ready, is its owner's alone, and goes with the server" do
      serve(app, control: control) do |server|
        expect(File.stat(@control).mode & 0o777).to eq(0o600)
        expect(control_get("/live")).to have_attributes(status: 200, body: "live\n")
        eventually("it is ready") { control_get("/ready").status == 200 }
        expect(RawClient.open(server.url) { |client| client.get("/").body }).to eq("served")
        expect(control_get("/nothing").status).to eq(404)
        server.stop
        expect(File.exist?(@control)).to be(false)
      end
    end

    it "says that the server isn't ready while it goes on for a moment before it stops" do
      serve(app, control: control, drain_delay: 2) do |server|
        eventually("it is ready") { control_get("/ready").status == 200 }
        stopping = Thread.new { server.stop }
        answer = eventually("it says so") { control_get("/ready").then { |found| found if found.status == 503 } }
        expect(answer.body).to eq("not ready: stopping\n")
        expect(control_get("/live").status).to eq(200)
        stopping.value
      end
    end

    it "is served again by a server that was stopped and started" do
      serve(app, control: control) do |server|
        server.stop
        server.start
        eventually("it is ready") { control_get("/ready").status == 200 }
      end
    end
  end

  describe "over TCP" do
    let(:app) { ->(_) { [200, {}, []] } }
    let(:mode) { :threaded }

    def refused(**settings)
      require "kino"
      server = Kino::Server.new(app, port: 0, **settings)
      server.start
      server.stop!
    rescue Kino::Error => error
      error
    end

    it "is not for other machines without a token" do
      expect(refused(control: "tcp://0.0.0.0:0")).to be_a(Kino::ConfigurationError)
        .and have_attributes(message: /\Acontrol: given "tcp:.+ needs a token: write control_token "/)
    end

    it "needs a token that can be read" do
      settings = { control: "tcp://127.0.0.1:0", control_token: "#{@control}.token" }
      expect(refused(**settings).message).to match(/\Acontrol_token: .+ can't be read \(No such file or directory\); /)
      File.write("#{@control}.token", "\n")
      expect(refused(**settings).message).to match(/\Acontrol_token: .+ is empty; write /)
      ["caf\xC3 au lait", "two words", "a" * 4097].each do |text|
        File.binwrite("#{@control}.token", text)
        expect(refused(**settings).message).to match(/\Acontrol_token: .+ has more than 4096 bytes, or other char/)
      end
      expect(refused(**settings, control_token: "/dev/zero").message).to match(/\Acontrol_token: .+ is empty; write /)
    end

    it "says who has its address, and starts nothing" do
      taken = TCPServer.new("127.0.0.1", 0)
      uri = "tcp://127.0.0.1:#{taken.addr[1]}"
      expect(refused(control: uri)).to be_a(Kino::BindError).and have_attributes(message: /\Acontrol: can't listen on/)
    ensure
      taken&.close
    end

    it "tells other machines that have the token, and others nothing but how it is" do
      File.write("#{@control}.token", "secret\n")
      serve(app, control: "tcp://0.0.0.0:0", control_token: "#{@control}.token") do |server|
        at = server.control.uris.first.sub("tcp:", "http:").sub("0.0.0.0", "127.0.0.1")
        expect(control_get("/live", at: at).status).to eq(200)
        expect(control_get("/stats", at: at)).to have_attributes(status: 401)
        with = { "authorization" => "Bearer secret" }
        expect(RawClient.open(at) { |client| client.get("/stats", with).status }).to eq(200)
      end
    end
  end
end
