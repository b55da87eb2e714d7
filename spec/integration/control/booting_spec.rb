# frozen_string_literal: true

require_relative "../../support/control_socket"
require_relative "../../support/kino_processes"

RSpec.describe "The control socket while the app boots" do
  include KinoProcesses
  include ControlSocket

  def boot(app)
    prepare(app)
    process = kino("-b", "tcp://127.0.0.1:0", "--control", control, *in_mode(mode))
    process.wait_for(/^booting$/)
    process
  end

  def ready = control_get("/ready").then { |answer| [answer.status, answer.body] }

  each_mode do
    let(:app) { "$stdout.puts 'booting'\nFile.read('go')\n#{KinoProcesses::APP}" }

    it "says that the process lives and isn't ready yet, and has all its pages" do
      process = boot(app)
      expect(control_get("/live")).to have_attributes(status: 200, body: "live\n")
      expect(ready).to eq([503, "not ready: booting\n"])
      expect(control_json("/stats")["server"]).to include("ready" => false)
      expect(%w[/ /requests /requests?backtrace=1 /metrics].map { |path| control_get(path).status }.uniq).to eq([200])
      let_go
      process.wait_for(/^Ctrl-C/)
      eventually("it is ready") { ready == [200, "ready\n"] }
      expect(control_json("/stats")["processes"].map { |one| one["process"] }).to eq(mode == :processes ? [1, 2] : [1])
      expect(process.signal(:TERM).status).to eq(0)
      expect(File.exist?(@control)).to be(false)
    end

    it "goes on where USR1 or USR2 comes, which ask for what there isn't yet" do
      process = boot("$stdout.puts 'booting'\nbegin\n  File.read('go')\nrescue Errno::EINTR\n  retry\nend\n" \
                     "#{KinoProcesses::APP}")
      process.signal(:USR1).signal(:USR2)
      expect(ready).to eq([503, "not ready: booting\n"])
      let_go
      process.wait_for(/^Ctrl-C/)
      expect(process.out).to match(/^SIGUSR[12] does nothing before /)
      expect([process.signal(:TERM).status, process.err]).to eq([0, ""])
    end

    it "goes with a boot that fails" do
      process = boot("#{app}\nraise 'no luck'")
      expect(File.exist?(@control)).to be(true)
      let_go
      expect([process.status, process.err]).to match([1, /no luck/])
      expect(File.exist?(@control)).to be(false)
    end

    it "has a level of the log hold after the boot, and says that no garbage is collected yet" do
      process = boot(app)
      expect(control_post("/log-level/debug").status).to eq(200)
      expect(control_post("/gc")).to have_attributes(status: 503, body: /\Ano process serves yet/)
      let_go
      process.wait_for(/^Ctrl-C/)
      eventually("refusals are logged") do
        RawClient.open(process.url) { |client| client.get("/", "content-length" => %w[1 2]) }
        process.err.include?("DEBUG refused status=400")
      end
      expect(process.signal(:TERM).status).to eq(0)
    end

    it "ends the boot when it is told to stop" do
      process = boot(app)
      expect(control_post("/stop").status).to eq(202)
      expect([process.status, process.err]).to eq([0, ""])
      expect(process.out).to match(/^Control: stop was asked for by /)
      expect(process.out).not_to match(/^Listening/)
      expect(File.exist?(@control)).to be(false)
    end
  end

  context "with one process" do
    let(:mode) { :threaded }

    it "has a restart that is asked for during the boot begin after it" do
      app = "again = File.exist?('again')\n$stdout.puts 'booting'\nFile.read('go') unless again\n#{KinoProcesses::APP}"
      process = boot(app)
      expect(control_post("/restart").status).to eq(202)
      process.wait_for(/^Control: restart was asked for by /)
      write("again", "")
      let_go
      process.wait_for(/^Restarting: /)
      process.wait_for(/^Stopped$/)
      eventually("the other serves") { File.exist?(@control) && ready.first == 200 }
      expect(control_post("/stop").status).to eq(202)
      expect(process.status).to eq(0)
    end
  end
end
