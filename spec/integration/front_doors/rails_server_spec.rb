# frozen_string_literal: true

require "fileutils"
require "support/kino_processes"
require "support/rails_new"

RSpec.describe "rails server -u kino" do
  include KinoProcesses

  before { RailsNew.copy_to(folder) }
  after { @others&.each { |pid| Process.kill(:KILL, pid) if alive?(pid) } }

  let(:port) { free_port }
  let(:pid_file) { "#{folder}/tmp/pids/server.pid" }
  let(:url) { "http://127.0.0.1:#{port}" }

  def rails(*arguments, env: {}, **options)
    start("bin/rails", *arguments, env: RailsNew::ENVIRONMENT.merge(env), **options)
  end

  def rails_server(*arguments, **options) = rails("server", "-u", "kino", *arguments, **options)

  # Its number in that file, once it serves; it is ended behind the example.
  def number_in(path = pid_file)
    eventually("#{path} has a number") { File.exist?(path) && File.read(path).to_i.positive? }
    File.read(path).to_i.tap { |pid| (@others ||= []) << pid }
  end

  def serves? = !refused?(url)

  # What the app tells: who answers, its environment, who booted it, and whether that was since.
  def told(from = url, path = "/") = RawClient.open(from) { |client| client.get(path).body.split }

  def stop(pid)
    Process.kill(:TERM, pid)
    eventually("#{pid} has ended") { !alive?(pid) }
  end

  describe "with -p, -b and -e" do
    it "serves the app where Rails is told to, and stops as Rails does" do
      process = rails_server("-p", "0", "-b", "127.0.0.1", "-e", "production")

      expect(process.get.body.split[1]).to eq("production")
      expect(process.out).to match(/^=> Booting Kino$/)
      expect(process.out).to match(/^=> Rails \S+ application starting in production http:\/\/127\.0\.0\.1:0$/)
      expect(process.out).to match(/^Listening on http:\/\/127\.0\.0\.1:[1-9]\d*$/)
      expect(process.signal(:INT).status).to eq(0)
      expect(process.out).to end_with("Stopped\nExiting\n")
      expect(process.err).to eq("")
      expect(File.exist?(pid_file)).to be(false)
    end

    it "takes them however Rails does, and the environment where there are none" do
      process = rails_server("--port=#{port}", "--binding", "127.0.0.1", "--environment=development")
      expect(process.url).to eq(url)
      expect(process.signal(:TERM).status).to eq(0)

      process = rails_server(env: { "PORT" => port.to_s, "BINDING" => "127.0.0.1", "RAILS_ENV" => "production" })
      expect(process.url).to eq(url)
      expect(process.get.body.split[1]).to eq("production")
    end

    it "listens on a unix socket, too" do
      process = rails_server("-b", "#{folder}/app.sock", "-e", "production")

      expect(process.url).to eq("unix://#{folder}/app.sock")
      expect(process.get.status).to eq(200)
    end
  end

  it "follows kino.rb and the environment, where the command line says nothing" do
    write("config/kino.rb", "port 0\nworkers 1\nthreads 2\n")
    process = rails_server(env: { "RAILS_MAX_THREADS" => "3" })

    expect(process.get.body.split[1]).to eq("development")
    expect(process.out).to include("1 worker x 3 threads, development)")
    expect(File.read(pid_file).to_i).to eq(process.pid)
    expect(process.signal(:TERM).status).to eq(0)
    expect(File.exist?(pid_file)).to be(false)
  end

  describe "with -u" do
    it "is Kino that is named" do
      process = rails("server", "--using=kino", "-p", "0")
      expect(process.get["server"]).to be_nil
      expect(process.out).to match(/^=> Booting Kino$/).and match(/^Kino \d/)
    end

    it "is another where that is named" do
      expect(rails("server", "-u", "kimo", "-p", "0").tap(&:status).out).to match(/Could not find server ['"]kimo/)
    end
  end

  describe "with -P" do
    let(:pid_file) { "#{folder}/my.pid" }

    it "keeps its number there while it serves, and two don't have one file" do
      process = rails_server("-p", "0", "-b", "127.0.0.1", "-P", "my.pid")
      process.wait_for(/^Ctrl-C/)
      expect(File.read(pid_file).to_i).to eq(process.pid)

      other = rails_server("-p", "0", "-b", "127.0.0.1", "--pid=my.pid")
      expect([other.status, other.err]).to match([1, /A server is already running \(pid: #{process.pid}, file:/])
      expect(process.signal(:TERM).status).to eq(0)
      expect(File.exist?(pid_file)).to be(false)
    end
  end

  describe "with --early-hints" do
    def hinted(*arguments)
      process = rails_server("-p", "0", "-b", "127.0.0.1", "-e", "production", *arguments)
      RawClient.open(process.url) do |client|
        answers = [client.get("/?hints=1")]
        answers << client.read_response if answers.first.status == 103
        answers.map { |answer| [answer.status, answer["link"]] }
      end
    end

    it "sends them, and none without" do
      expect(hinted("--early-hints")).to eq([[103, "</a.css>; rel=preload"], [200, nil]])
      expect(hinted).to eq([[200, nil]])
    end
  end

  describe "with -d" do
    it "serves in the background, with its settings, until it is told to stop" do
      write("config/kino.rb", "threads 2\n")
      process = rails_server("-d", "-p", port.to_s, "-b", "127.0.0.1", "-e", "production", "-P", "my.pid")
      expect(process.status_alone).to eq(0)
      pid = number_in("#{folder}/my.pid")
      eventually("it serves") { serves? }

      expect(pid).not_to eq(process.pid)
      expect(told.first(2)).to eq([pid.to_s, "production"])
      stop(pid)
      expect(File.exist?("#{folder}/my.pid")).to be(false)
    end

    [1, 2].each do |number|
      it "restarts with the file that bin/rails restart touches, and keeps its pid file (processes #{number})" do
        write("config/kino.rb", "threads 2\nprocesses #{number}\nrestart_file \"tmp/restart.txt\"\n")
        rails_server("-d", "-p", port.to_s, "-b", "127.0.0.1", "-e", "production", "-P", "my.pid").status_alone
        former = number_in("#{folder}/my.pid")
        eventually("it serves") { serves? }
        2.times do
          FileUtils.rm_f("#{folder}/again")
          booted = told[2]
          expect(rails("restart").status).to eq(0)
          eventually("the app was booted anew") { told[2] != booted }
        end

        pid = number_in("#{folder}/my.pid")
        expect(pid == former).to be(number == 2)
        eventually("the one before has ended") { !alive?(former) } if number == 1
        expect(File.read("#{folder}/my.pid").to_i).to eq(pid)
        stop(pid)
        expect(File.exist?("#{folder}/my.pid")).to be(false)
      end
    end
  end

  describe "and bin/rails restart" do
    def restart
      write("again", "")
      expect(rails("restart").status).to eq(0)
    end

    it "starts another server, whose number the pid file has from then on; the process that was started stays" do
      process = rails_server("-p", "0", "-b", "127.0.0.1")
      process.wait_for(/^Ctrl-C/)
      url = process.url
      expect(File.read(pid_file).to_i).to eq(process.pid)
      restart

      eventually("the file has another number") { number_in != process.pid }
      process.wait_for(/^Stopped$/)
      successor = number_in
      expect([successor == process.pid, told(url).values_at(0, -1)]).to eq([false, [successor.to_s, "again"]])
      expect(process.signal(:TERM).status).to eq(0) # as foreman and bin/dev end it
      expect(alive?(successor)).to be(false)
      expect(File.exist?(pid_file)).to be(false)
    end

    it "changes nothing where the new code doesn't boot" do
      write("config/kino.rb", "plugin :tmp_restart\n")
      process = rails_server("-p", "0", "-b", "127.0.0.1", "-P", "my.pid", "-e", "production")
      process.wait_for(/^Ctrl-C/)
      write("config/initializers/broken.rb", "raise 'half deployed'\n")
      restart
      eventually("it is told") { process.err.include?("the restart is given up") }

      expect(process.get.body.split.first).to eq(process.pid.to_s)
      expect(File.read("#{folder}/my.pid").to_i).to eq(process.pid)
      expect(process.signal(:TERM).status).to eq(0)
      expect(File.exist?("#{folder}/my.pid")).to be(false)
    end
  end

  describe "with several processes" do
    before { write("config/kino.rb", "port 0\nthreads 2\nprocesses 2\n") }

    it "forks them, and Rails' own pid file stays the server's until that ends" do
      process = rails_server
      process.wait_for(/^Ctrl-C/)
      expect(process.out).to include("2 processes x threaded: 1 worker x 2 threads, development)")
      first = serving(process).first
      Process.kill(:TERM, first)
      eventually("another serves") { !alive?(first) && serving(process).size == 2 }

      expect(File.read(pid_file).to_i).to eq(process.pid)
      # The parent has nothing of Rails.
      memory = [process.pid, mold(process)].map { |pid| File.read("/proc/#{pid}/statm").split[1].to_i }
      expect(memory.first).to be < memory.last / 2 if RUBY_PLATFORM.include?("linux")
      expect(process.signal(:TERM).status).to eq(0)
      expect(File.exist?(pid_file)).to be(false)
      expect(process.err).to eq("")
    end

    it "boots the app anew on USR1, and starts another server on USR2; the pid file follows" do
      process = rails_server("-P", pid_file)
      process.wait_for(/^Ctrl-C/)
      url = process.url
      write("again", "")
      process.signal(:USR1).wait_for(/^Restarted/)
      expect(told(url).last).to eq("again")
      expect(File.read(pid_file).to_i).to eq(process.pid)

      FileUtils.rm_f("#{folder}/again")
      process.signal(:USR2).wait_for(/^Stopped$/)
      expect(told(url).last).not_to eq("again")
      successor = number_in
      expect(successor).to eq(process.out.scan(/, pid (\d+)$/).flatten.last.to_i)
      stop(successor)
      expect(File.exist?(pid_file)).to be(false)
      expect(process.err).to eq("")
    end
  end
end
