# frozen_string_literal: true

require_relative "../../support/kino_processes"

# Nobody else ends them then: each is at something that never ends.
RSpec.describe "a process whose parent is killed" do
  include KinoProcesses

  after { pids.each { |pid| Process.kill(:KILL, pid) if alive?(pid) } }

  # What writes down that its process has come so far, and goes on for ever.
  stay = <<~'RUBY'
    def stay
      File.write("at.#{Process.pid}", "")
      begin
        sleep
      rescue SignalException
        retry
      end
    end
  RUBY
  # The same in native code that gives Ruby's lock to nobody.
  hang = <<~'RUBY'
    def hang
      File.write("at.#{Process.pid}", "")
      3.pow((2**150_000) - 1, (2**150_000) + 1)
    end
  RUBY

  # Who has come so far.
  def pids = Dir["#{folder}/at.*"].map { |path| path[/\d+\z/].to_i }

  # Kills the parent when that many are there. Others come so far when it is gone, and have their own time.
  def orphan(process, number = 1)
    eventually("they are there") { pids.size >= number }
    there = pids
    process.kill
    eventually("they are gone") { there.none? { |pid| alive?(pid) } }
  end

  {
    "it boots the app" => ["#{stay}stay\n", ""],
    "it warms up" => ["", "on_warmup { stay }\n"],
    "it is about to be forked" => ["", "before_fork { stay }\n"],
    "it begins to serve" => ["", "on_process_boot { stay }\n"],
    "its worker begins to serve" => ["", "on_worker_boot { stay }\n"],
    "its worker is stuck before it serves" => ["", "on_worker_boot { hang }\n"]
  }.each do |stage, (app, settings)|
    it "ends while #{stage}" do
      prepare("#{app}#{KinoProcesses::APP}", kino: "#{stay}#{hang}#{settings}shutdown_timeout 0.5\n")
      orphan(kino("-b", "tcp://127.0.0.1:0", "--processes", "2"))
    end
  end

  it "ends while it boots an app of its own" do
    prepare("#{stay}stay\n", kino: "preload false\n")
    orphan(kino("-b", "tcp://127.0.0.1:0", "--processes", "2"), 2)
  end

  {
    "it has served its last request" => "on_process_exit { stay }\nshutdown_timeout 600\n",
    "it does what is to be done at exit" => "on_process_boot { at_exit { stay } }\nshutdown_timeout 600\n",
    "its worker has served" => "on_worker_stop { stay }\nshutdown_timeout 0.5\n",
    "its worker is stuck after it has served" => "on_worker_stop { hang }\nshutdown_timeout 0.5\n"
  }.each do |stage, settings|
    it "ends while #{stage}" do
      prepare(kino: "#{stay}#{hang}#{settings}")
      process = start_processes
      Process.kill(:TERM, serving(process).first)
      orphan(process)
    end
  end

  it "ends with all that follows for ever when it has served until then" do
    prepare(kino: "#{stay}on_process_exit { stay }\nshutdown_timeout 0.5\n")
    process = start_processes
    serving = serving(process)
    process.kill
    eventually("all are gone") { serving.none? { |pid| alive?(pid) } }
  end

  it "ends while it becomes what others are forked from" do
    prepare(kino: "#{stay}refork_after 1\non_refork { stay }\n")
    process = start_processes
    eventually("one has served enough") { ask(process.url) && pids.any? }
    orphan(process)
  end

  it "ends while it reads the settings of a restart" do
    prepare(kino: "#{stay}File.exist?(\"begun\") ? stay : File.write(\"begun\", \"\")\n")
    process = start_processes
    process.signal(:USR1)
    orphan(process)
  end
end
