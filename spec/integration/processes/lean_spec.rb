# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "The parent of several processes" do
  include KinoProcesses

  before { skip "only Linux has what it needs to be a program of its own" unless RUBY_PLATFORM.include?("linux") }

  # What a process takes, in MiB.
  def memory(pid) = File.read("/proc/#{pid}/smaps_rollup")[/^Rss:\s+(\d+)/, 1].to_i / 1024

  it "has nothing of what kino.rb has loaded, and the mold has" do
    prepare(kino: "$large = Array.new(40) { \"x\" * 1024 * 1024 }\nprocesses 2\n")
    process = kino("-b", "tcp://127.0.0.1:0")
    process.wait_for(/^Ctrl-C/)

    expect(memory(mold(process))).to be > 40
    expect(memory(process.pid)).to be < 30
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to eq("")
  end

  { "a thread of its own" => "Thread.new { loop { sleep(0.01) && File.write('lives', Process.pid.to_s) } }",
    "a logger" => "require 'logger'\nlogger Logger.new($stdout)",
    "another standard output" => "$stdout = $stdout.dup",
    "a handler of a signal" => "trap('USR1') { File.write('lives', Process.pid.to_s) }",
    "a Ruby that is gone" => "RbConfig::CONFIG['ruby_install_name'] = 'gone'" }.each do |what, code|
    it "stays what it was where kino.rb has #{what}" do
      prepare(kino: "$large = Array.new(40) { \"x\" * 1024 * 1024 }\nprocesses 2\n#{code}\n")
      process = kino("-b", "tcp://127.0.0.1:0")
      eventually("all serve") { serving(process).size == 2 }

      expect(memory(process.pid)).to be > 40
      if code.include?("lives")
        FileUtils.rm_f("#{folder}/lives")
        process.signal(:USR1) if what.include?("signal")
        eventually("it goes on") { File.exist?("#{folder}/lives") && File.read("#{folder}/lives") == process.pid.to_s }
      end
      expect(ask(process.url).last).to eq("one") unless what.include?("output") || what.include?("logger")
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "goes by what is of a class that only kino.rb has loaded" do
    prepare(kino: <<~'RUBY')
      class Seconds < BasicObject
        def initialize(value) = @value = value
        def method_missing(name, ...) = @value.public_send(name, ...)
        def respond_to_missing?(name, *) = @value.respond_to?(name)
      end
      processes 2
      shutdown_timeout Seconds.new(5)
      environment Class.new(String).new("other")
    RUBY
    process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    process.signal(:HUP).wait_for(/^Reloaded: 2 processes$/)

    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out).to include("waiting up to 5 s")
  end

  it "ignores HUP from its first moment on where it was started so, as by nohup" do
    prepare(kino: "processes 2\nFile.write('begun', '')\n")
    process = start("-e", "trap('HUP', 'IGNORE'); exec(*ARGV)", "--", RbConfig.ruby, "-I#{KinoProcess::LIB}",
                    KinoProcess::KINO, "-b", "tcp://127.0.0.1:0", pgroup: true)
    eventually("it has begun") { File.exist?("#{folder}/begun") }
    100.times { process.signal(:HUP) && sleep(0.002) }
    process.wait_for(/^Ctrl-C/)

    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out).not_to include("Reloading")
  end

  it "boots the app anew where the mold was started, whatever a link says by then" do
    prepare
    %w[one two].each do |release|
      Dir.mkdir("#{folder}/#{release}")
      File.write("#{folder}/#{release}/config.ru", app_of("[200, {}, [Process.pid.to_s + '#{" #{release}"}']]"))
    end
    File.symlink("one", "#{folder}/current")
    process = start("-e", "Dir.chdir('current') { ENV['PWD'] = Dir.pwd.sub('one', 'current'); exec(*ARGV) }", "--",
                    RbConfig.ruby, "-I#{KinoProcess::LIB}", KinoProcess::KINO, "-b", "tcp://127.0.0.1:0", "--processes",
                    "2")
    process.wait_for(/^Ctrl-C/)
    File.delete("#{folder}/current")
    File.symlink("two", "#{folder}/current")
    [*serving(process), mold(process)].each { |pid| Process.kill(:KILL, pid) }
    eventually("others serve") { serving(process).size == 2 && ask(process.url).last }
    expect(ask(process.url).last).to eq("one")
    process.signal(:USR1).wait_for(/^Restarted/)
    expect(ask(process.url).last).to eq("two")

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "reads settings again with the environment of its start, whatever the app makes of that" do
    prepare("ENV['WEB_CONCURRENCY'] = '4'\n#{KinoProcesses::APP}", kino: "processes 2\nmax_uri_size 1000\n")
    process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    write("kino.rb", "processes 3\n")
    process.signal(:HUP).wait_for(/^Reloaded: 3 processes$/)

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "goes by what the mold has read, a restart's and a reload's, and by what was before where that is given up" do
    prepare(kino: "processes 2\n")
    process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    write("kino.rb", "processes 3\n")
    process.signal(:USR1).wait_for(/^Restarted: 3 processes$/)
    write("kino.rb", "processes 1\non_process_boot { raise 'no' }\n")
    process.signal(:HUP)
    eventually("it is told") { process.err.include?("the reload is given up, and all goes on as before: process") }
    eventually("there are as many as before") { serving(process).size == 3 }
    # Which the mold has not gone by, either.
    write("kino.rb", "word\n")
    process.signal(:HUP)
    eventually("it is told") { process.err.include?("the reload is given up, and all goes on as before: kino.rb:1") }
    Process.kill(:KILL, killed = serving(process).first)
    eventually("another takes its place") { (serving(process) - [killed]).size == 3 }

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "boots the app anew where the mold dies, from the files as they are" do
    prepare
    process = start_processes(2)
    write("version", "two")
    Process.kill(:KILL, killed = mold(process))
    eventually("there is another") { (other = mold(process)) && other != killed }
    serving(process).each { |pid| Process.kill(:KILL, pid) }
    eventually("others serve") { serving(process).size == 2 && ask(process.url).last == "two" }

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "ends by a signal at whatever moment of its start, and leaves nobody behind" do
    prepare(kino: "processes 2\nFile.write('begun', '')\n")
    Array.new(12) do |number|
      process = kino("-b", "tcp://127.0.0.1:0")
      eventually("it has begun") { File.exist?("#{folder}/begun") }
      File.delete("#{folder}/begun")
      sleep(0.02 * number)
      children = descendants(process.pid)
      process.signal(%i[TERM INT USR1][number % 3])
      process.signal(:TERM) if number % 3 == 2
      # 1 is Ruby's while it begins, which it does twice; without a status a signal itself has ended it.
      expect(process.status).to eq(0).or eq(1).or eq(130).or eq(143).or eq(138).or be_nil
      expect(process.err).to eq("")
      eventually("all are gone") { children.none? { |pid| File.exist?("/proc/#{pid}") } }
    end
  end
end
