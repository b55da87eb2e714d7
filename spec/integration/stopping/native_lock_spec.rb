# frozen_string_literal: true

require_relative "../../support/control_socket"
require_relative "../../support/kino_processes"

# Ruby hears of a signal when it next has its lock. A server that serves alone doesn't wait for that.
RSpec.describe "A server that is told to stop while native code has Ruby's lock" do
  include KinoProcesses
  include ControlSocket

  # GET /stuck holds the lock until a byte is written to that pipe.
  stuck_app = <<~'RUBY'
    require "fiddle"
    WRITE = Fiddle::Function.new(Fiddle::Handle::DEFAULT["write"],
                                 [Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T], Fiddle::TYPE_SSIZE_T,
                                 need_gvl: true)
    READ = Fiddle::Function.new(Fiddle::Handle::DEFAULT["read"],
                                [Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T], Fiddle::TYPE_SSIZE_T,
                                need_gvl: true)
    run lambda { |env|
      if env["PATH_INFO"] == "/stuck"
        File.open("gate", File::RDWR) do |gate|
          room = Fiddle::Pointer.malloc(1, Fiddle::RUBY_FREE)
          WRITE.call(1, "inside\n", 7) # from here on the lock is held
          nil until READ.call(gate.fileno, room, 1) == 1
        end
      end
      [200, {}, ["hello"]]
    }
  RUBY

  def stuck(app, **settings)
    prepare(app, kino: { threads: 2, quiet: false, **settings }.map { |name, value| "#{name} #{value}\n" }.join)
    File.mkfifo("#{folder}/gate")
    process = start_processes(1, "--control", control)
    eventually("it is ready") { control_get("/ready").status == 200 }
    client = RawClient.open(process.url).write(RawClient.message("GET", "/stuck"))
    process.wait_for(/^inside$/)
    yield process, client
  ensure
    client&.close
    process&.kill
  end

  def let_go = File.write("#{folder}/gate", ".")

  def ready = control_get("/ready").then { |answer| [answer.status, answer.body] }

  %i[TERM INT QUIT].each do |signal|
    it "isn't ready from #{signal} on, and drains when it is let go, within the time that counts from the signal" do
      stuck(stuck_app, shutdown_timeout: 60) do |process, client|
        process.signal(signal)
        eventually("it says so") { ready == [503, "not ready: stopping\n"] }
        sleep 1
        let_go
        expect(client.read_response.body).to eq("hello")
        expect(process.status).to eq(0)
        expect(process.out[/^Stopping: waiting up to (\S+) s/, 1].to_f).to be < 60
        expect(process.err).to eq("")
      end
    end
  end

  it "ends when shutdown_timeout is over, and says what it has given up" do
    stuck(stuck_app, shutdown_timeout: 1) do |process|
      process.signal(:TERM)
      expect(process.status).to eq(1)
      expect(process.err).to match(/ERROR requests still ran 1 s after the signal \(shutdown_timeout\), and Ruby does/)
        .and match(/gave up GET \/stuck for \d+\.\d s$/)
    end
  end

  it "accepts no more once Ruby can't have heard, but for drain_delay" do
    stuck(stuck_app, shutdown_timeout: 60, drain_delay: 0) do |process|
      waiting = RawClient.open(process.url) # idle, and sent away
      process.signal(:TERM)
      expect(waiting).to be_closed
      let_go
      expect(process.status).to eq(0)
    end
  end

  it "ends at once when it is told again" do
    stuck(stuck_app, shutdown_timeout: 600) do |process|
      process.signal(:INT)
      eventually("it says so") { ready.first == 503 }
      sleep 1.1 # before that it is the same wish
      process.signal(:INT)
      expect(process.status).to eq(130)
      expect(process.err).to match(/ERROR a second signal came, and Ruby does not/)
    end
  end

  it "is not told so by a signal to a process that its app has forked" do
    prepare(<<~'RUBY', kino: "threads 2\n")
      run lambda { |env|
        if env["PATH_INFO"] == "/fork"
          pid = fork { sleep 0.2 while true }
          sleep 0.2
          Process.kill(:TERM, pid)
          Process.kill(:KILL, pid)
          Process.wait(pid)
        end
        [200, {}, ["hello"]]
      }
    RUBY
    process = start_processes(1, "--control", control)
    eventually("it is ready") { control_get("/ready").status == 200 }
    expect(RawClient.open(process.url) { |client| client.get("/fork").status }).to eq(200)
    sleep 0.5
    expect(ready.first).to eq(200)
    expect(process.signal(:TERM).status).to eq(0)
  end
end
