# frozen_string_literal: true

require "support/kino_processes"

# As in a container: process 1 has no handler but its own, and all become its children that have lost their parent.
RSpec.describe "kino as process 1" do
  include KinoProcesses

  NAMESPACE = %w[unshare --user --map-root-user --pid --fork --mount-proc --kill-child].freeze

  before do
    skip "no process namespaces are to be had here (unshare)" unless
      system(*NAMESPACE, "true", out: File::NULL, err: File::NULL)
  end

  def start_first(*arguments, env: {}, **given)
    command = [*NAMESPACE, RbConfig.ruby, "-W1", "-I#{KinoProcess::LIB}", KinoProcess::KINO, "-t", "2",
               *(%w[-b tcp://127.0.0.1:0] if given.empty?), *arguments]
    process = KinoProcess.new(command, env: KinoProcess::UNSET.merge(env), chdir: folder, **given)
    (@processes ||= []) << process
    process
  end

  # The one that is process 1 in there.
  def first(process) = eventually("it has begun") { descendants(process.pid).min }

  each_mode do
    # It starts programs that leave others behind, and waits for one of its own.
    let(:app) { <<~'RUBY' }
      module Told
        def self.call(env)
          case env["PATH_INFO"]
          when "/orphans"
            5.times { system("sh", "-c", "(sleep 0.1; exit 3) & exit 0") }
            [200, {}, ["left"]]
          when "/own"
            own = Process.spawn("sh", "-c", "exit 7")
            sleep(0.5)
            [200, {}, [Process.wait2(own).last.exitstatus.to_s]]
          else
            dead = Dir.glob("/proc/[0-9]*/stat").count { |path| File.read(path)[/\) (\S)/, 1] == "Z" rescue false }
            [200, {}, ["#{Process.pid} #{File.read("version")} #{dead}"]]
          end
        end
      end
      run Told
    RUBY

    it "leaves no dead process behind, and the app its own ones' statuses" do
      prepare(app)
      process = start_first(*in_mode(mode))
      3.times { expect(process.get("/orphans").body).to eq("left") }
      expect(process.get("/own").body).to eq("7")
      eventually("all are gone") { ask(process.url).last == "0" }
      Process.kill(:TERM, first(process))
      expect(process.status).to eq(0)
      expect(process.out).to end_with("Stopped\n")
    end

    it "listens on the sockets that process 1 is given" do
      prepare(app)
      socket = TCPServer.open("127.0.0.1", 0)
      process = start_first(*in_mode(mode), env: { "LISTEN_PID" => "1", "LISTEN_FDS" => "1" }, 3 => socket.fileno)
      process.wait_for(/^Ctrl-C/)
      expect(process.url).to eq("http://127.0.0.1:#{socket.local_address.ip_port}")
      expect(process.get.status).to eq(200)
    ensure
      socket&.close
    end

    it "obeys TERM while the app boots" do
      prepare("$stdout.puts 'booting'; sleep")
      process = start_first(*in_mode(mode))
      process.wait_for(/^booting$/)
      Process.kill(:TERM, first(process))
      expect(process.status).to eq(143)
    end

    it "lives on when another server takes the place of the one that it has started" do
      prepare(app)
      process = start_first(*in_mode(mode))
      process.wait_for(/^Ctrl-C/)
      write("version", "two")
      Process.kill(:USR2, first(process))
      eventually("the other serves alone") { Array.new(5) { ask(process.url)[1] }.uniq == ["two"] }
      process.wait_for(/^Stopped$/)
      Process.kill(:TERM, first(process))
      expect(process.status).to eq(0)
      expect(process.out.scan(/^Stopped$/).size).to eq(2)
    end
  end
end
