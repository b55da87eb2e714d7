# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "a restart" do
  include KinoProcesses

  # Asks until told otherwise; every answer, or what went wrong.
  def asking(url)
    asking = true
    threads = Array.new(2) do
      Thread.new do
        answers = []
        answers << ask(url) while asking
        answers
      end
    end
    yield
    asking = false
    threads.flat_map(&:value)
  end

  # One connection that stays, and asks on it; a new one where the server has closed it after an answer.
  def keeping(url)
    asking = true
    thread = Thread.new do
      client = RawClient.open(url)
      answers = []
      while asking
        answers << (response = client.get).body
        client = RawClient.open(url) if response["connection"] == "close"
      end
      answers
    end
    yield
    asking = false
    thread.value
  end

  it "by USR1 replaces process by process with what is on the disk, and loses no request" do
    prepare
    process = start_processes
    before = serving(process)
    write("version", "two")
    kept = nil
    answers = asking(process.url) do
      kept = keeping(process.url) { process.signal(:USR1).wait_for(/^Restarted: 2 processes$/) }
    end

    expect(answers.map(&:last).uniq).to contain_exactly("one", "two").or eq(["one"])
    expect(kept.size).to be_positive
    expect(serving(process) & before).to eq([])
    expect(ask(process.url).last).to eq("two")
    expect(process.err).to eq("")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by USR1 changes nothing where the app can't be booted any more, and says why" do
    prepare
    process = start_processes
    before = serving(process)
    write("config.ru", "raise 'half deployed'")
    process.signal(:USR1)
    eventually("it is told") { process.err.include?("half deployed") }

    expect(process.err).to match(/\Akino: the restart is given up, and all goes on as before: config.ru could not be l/)
    expect(serving(process)).to match_array(before)
    write("config.ru", KinoProcesses::APP)
    process.signal(:USR1).wait_for(/^Restarted/)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by USR1 changes nothing where no process can be booted any more" do
    prepare(kino: "on_process_boot { raise 'no cache' if File.exist?('broken') }\n")
    process = start_processes
    before = serving(process)
    write("broken", "")
    process.signal(:USR1)
    eventually("it is told") { process.err.include?("no cache") }

    expect(process.err).to match(/^kino: the restart is given up, and all goes on as before: process 1 .*could not bo/)
    expect(serving(process)).to match_array(before)
    File.delete("#{folder}/broken")
    Process.kill(:KILL, before.first)
    eventually("one is forked from the mold before") { serving(process).size == 2 && ask(process.url).last == "one" }
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by USR1 changes nothing where no worker can boot any more" do
    prepare(kino: "on_worker_boot { raise 'no database' if File.exist?('down') }\n")
    process = start_processes
    before = serving(process)
    write("down", "")
    process.signal(:USR1)
    eventually("it is given up") do
      process.err.include?("the restart is given up, and all goes on as before: process ")
    end

    expect(process.err).to match(/as before: process 1 .*could not boot: .*no database/)
    expect(serving(process)).to include(*before)
    eventually("both answer") { answerers(process.url).sort == before.sort }
    expect(process.signal(:TERM).status).to eq(0)
  end

  # What is asked for, by which signal, and with which settings.
  [[:restart, :USR1, true], [:reload, :HUP, true], [:reload, :HUP, false]].each do |what, signal, preload|
    it "by #{signal} with preload #{preload} goes back to how it was where one of the new processes can't boot" do
      settings = "processes 3\npreload #{preload}\n"
      prepare(kino: settings)
      process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
      process.wait_for(/^Ctrl-C/)
      before = serving(process)
      write("version", "two") if what == :restart
      write("kino.rb", "#{settings}max_uri_size 100\non_process_boot { |index| raise 'no third' if index == 2 }\n")
      process.signal(signal).wait_for(/^Gone back: 3 processes$/)

      said = "kino: the #{what} is given up, and all goes back to how it was: process 3 "
      expect(process.err).to match(/\A#{said}\(pid \d+\) could not boot: no third/)
      expect([serving(process).size, (serving(process) & before).size]).to eq([3, 1])
      long = "/?#{"a" * 200}"
      answers = Array.new(9) { RawClient.open(process.url) { |client| client.get(long) } }
      expect(answers.map { |answer| [answer.status, answer.body.split.last] }.uniq).to eq([[200, "one"]])
      Process.kill(:KILL, serving(process).first)
      eventually("it is as before, too") { serving(process).size == 3 && ask(process.url, long).last == "one" }
      write("kino.rb", "#{settings}max_uri_size 100\n")
      process.signal(signal).wait_for(/^#{what.capitalize}ed: 3 processes$/)
      expect(Array.new(9) { RawClient.open(process.url) { |client| client.get(long).status } }).to all(eq(414))
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "by USR1 is given up where one can't boot that takes a killed one's place meanwhile" do
    prepare
    process = start_processes
    before = serving(process)
    write("slow", "")
    write("kino.rb", <<~RUBY)
      on_process_boot do |index|
        raise "no cache" if index == 1

        File.write("booting", "")
        sleep(0.01) while File.exist?("slow")
      end
    RUBY
    process.signal(:USR1)
    eventually("the first is to be replaced") { File.exist?("#{folder}/booting") }
    Process.kill(:KILL, second = family(process).key("kino: process 2 of 2, 0 running"))
    eventually("it is given up") { process.err.include?("is given up, and all goes on as before: process 2") }
    File.delete("#{folder}/slow")
    eventually("one is forked from the mold before") { (serving(process) - [second]).size == 2 }

    expect(process.err).to match(/^kino: the restart is given up, .* process 2 .*could not boot: .*no cache/)
    expect(serving(process)).to include(*(before - [second]))
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by USR1 tells what a replaced process has ended without, and then" do
    prepare(kino: "shutdown_timeout 0.3\n")
    process = start_processes
    client = RawClient.open(process.url)
    client.write(RawClient.message("GET", "/wait?token=secret"))
    process.wait_for(/^inside$/)
    process.signal(:USR1).wait_for(/^Restarted: 2 processes$/)

    expect(process.err.lines(chomp: true)).to match([
      /\Akino: process \d \(pid \d+\) still had requests 0.3 s after it was to leave \(shutdown_timeout\), and has end/,
      %r{\Akino: gave up GET /wait, for \d+\.\d s\z}
    ])
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err.scan("gave up").size).to eq(1)
  end

  it "by USR2 starts another server beside the old one, which ends when that serves" do
    prepare
    process = start_processes(2, "-b", "unix://#{folder}/kino.sock")
    write("version", "two")
    answers = asking(process.url) do
      process.signal(:USR2).wait_for(/^Stopped$/)
    end

    expect(answers.map(&:last).uniq).to contain_exactly("one", "two").or eq(["one"])
    pid = process.out.scan(/, pid (\d+)$/).flatten.last.to_i
    expect(pid).not_to eq(process.pid)
    expect([ask(process.url).last, ask("unix://#{folder}/kino.sock").last]).to eq(%w[two two])
    Process.kill(:TERM, pid)
    expect(process.status).to eq(0)
    expect([alive?(pid), File.exist?("#{folder}/kino.sock")]).to eq([false, false])
  ensure
    Process.kill(:KILL, pid) if pid && alive?(pid)
  end

  it "by USR2 starts another server of one process, too" do
    prepare
    process = kino("-b", "tcp://127.0.0.1:0", "-b", "unix://#{folder}/kino.sock", "-t", "2")
    process.wait_for(/^Ctrl-C/)
    client = RawClient.open(process.url)
    client.write(RawClient.message("GET", "/wait"))
    process.wait_for(/^inside$/)
    write("version", "two")
    process.signal(:USR2).wait_for(/^Stopping/)
    eventually("the new one answers") { ask(process.url).last == "two" }
    let_go

    expect(client.read_response.body).to eq("went")
    process.wait_for(/^Stopped$/)
    pid = ask("unix://#{folder}/kino.sock").first.to_i
    Process.kill(:TERM, pid)
    expect(process.status).to eq(0)
    expect([alive?(pid), File.exist?("#{folder}/kino.sock")]).to eq([false, false])
  ensure
    Process.kill(:KILL, pid) if pid && alive?(pid)
  end

  it "by USR2 is given up where the other server doesn't start, or not in time" do
    prepare(kino: "restart_timeout 1\npidfile 'kino.pid'\n")
    process = start_processes
    write("config.ru", "sleep")
    process.signal(:USR2)
    eventually("it is told") { process.err.include?("it was not ready within 1 s (restart_timeout)") }
    write("config.ru", "raise 'half deployed'")
    process.signal(:USR2)
    eventually("it is told") { process.err.scan("the restart is given up, and all goes on as before").size == 2 }

    expect(ask(process.url).last).to eq("one")
    expect(File.read("#{folder}/kino.pid").to_i).to eq(process.pid)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "counts processes up and down by TTIN and TTOU" do
    prepare
    process = start_processes
    process.signal(:TTIN).wait_for(/^Processes: 3$/)
    eventually("there are three, and all say so") { titles(process) == numbered(3) }
    process.signal(:TTOU).wait_for(/^Processes: 2$/)
    eventually("there are two, and both say so") { titles(process) == numbered(2) }
    process.signal(:TTOU).wait_for(/^Processes: 1$/)
    eventually("there is one, and says so") { titles(process) == numbered(1) }

    expect(answerers(process.url)).to eq(serving(process))
    expect(process.signal(:TERM).status).to eq(0)
  end

  # What those that serve are called.
  def titles(process) = family(process).values.filter_map { |title| title[/\Akino: process [^,]+/] }.sort

  def numbered(size) = (1..size).map { |number| "kino: process #{number} of #{size}" }

  it "by HUP has as many as kino.rb says by then, and all say so" do
    prepare(kino: "processes 2\n")
    process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    expect(titles(process)).to eq(numbered(2))
    process.signal(:TTIN).wait_for(/^Processes: 3$/)
    # It says nothing new of the number, so what was asked for stays.
    write("kino.rb", "processes 2\nqueue_timeout 9\n")
    process.signal(:HUP).wait_for(/^Reloaded: 3 processes$/)
    process.signal(:TTOU).wait_for(/^Processes: 2$/)
    write("kino.rb", "processes 3\n")
    process.signal(:HUP)
    eventually("it is done") { process.out.scan(/^Reloaded/).size == 2 }
    eventually("there are three, and all say so") { titles(process) == numbered(3) }
    write("kino.rb", "processes 2\npreload true\n")
    process.signal(:HUP)
    eventually("there are two, and both say so") { titles(process) == numbered(2) }

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by HUP reads kino.rb again, and names what takes more" do
    prepare(kino: "max_uri_size 1000\n")
    # Without a terminal, whose end HUP would be.
    process = start_processes(2, pgroup: true)
    long = "/?#{"a" * 500}"
    expect(RawClient.open(process.url) { |client| client.get(long).status }).to eq(200)
    write("kino.rb", "max_uri_size 100\nprocesses 5\nenvironment 'other'\n")
    process.signal(:HUP).wait_for(/^Reloaded: 2 processes$/)

    expect(Array.new(8) { RawClient.open(process.url) { |client| client.get(long).status } }).to all(eq(414))
    expect(process.err).to eq("kino: environment changed, which takes a restart (USR2)\n").or include("414")
    write("kino.rb", "max_uri_size 'short'\n")
    process.signal(:HUP)
    eventually("it is told") do
      process.err.include?("the reload is given up, and all goes on as before: kino.rb:1")
    end
    write("kino.rb", "abort 'no secret'\n")
    process.signal(:HUP)
    eventually("it is told") { process.err.include?("up, and all goes on as before: no secret (SystemExit)") }
    expect(serving(process).size).to eq(2)
    expect(process.signal(:TERM).status).to eq(0)
  end

  # A file that takes as long to be read as there is one of the name "slow", or "slow" and who reads it.
  slow = <<~'RUBY'
    processes 2
    File.write("reads.#{Process.pid}", "")
    sleep(0.01) while File.exist?("slow") || File.exist?("slow.#{Process.pid}")
  RUBY

  # The mold, or without one the parent.
  { true => "the reload is given up", false => "the settings can't be read again" }.each do |preload, given_up|
    context "with preload #{preload}, while kino.rb is read" do
      def read_by(process)
        eventually("it is read") { File.exist?("#{folder}/reads.#{mold(process) || process.pid}") }
      end

      let(:settings) { "#{slow}preload #{preload}\n" }
      let(:process) do
        prepare(kino: settings)
        kino("-b", "tcp://127.0.0.1:0", pgroup: true).tap { |process| process.wait_for(/^Ctrl-C/) }
      end

      before do
        FileUtils.rm_f("#{folder}/reads.#{mold(process) || process.pid}")
        write("slow", "")
      end

      it "by HUP looks after everything" do
        write("kino.rb", "#{settings}max_uri_size 100\n")
        read_by(process.signal(:HUP))
        Process.kill(:KILL, killed = serving(process).first)
        eventually("another is there") { (serving(process) - [killed]).size == 2 }
        File.delete("#{folder}/slow")
        process.wait_for(/^Reloaded: 2 processes$/)

        long = "/?#{"a" * 200}"
        expect(Array.new(8) { RawClient.open(process.url) { |client| client.get(long).status } }).to all(eq(414))
        expect(process.signal(:TERM).status).to eq(0)
      end

      it "stops at once" do
        read_by(process.signal(:HUP))

        expect(process.signal(:TERM).status).to eq(0)
        expect(process.out).to end_with("Stopped\n")
      end

      it "obeys what is asked for then, as the file is by then" do
        read_by(process.signal(:HUP))
        write("kino.rb", "processes 2\npreload #{preload}\nmax_uri_size 100\n")
        process.signal(:HUP).wait_for(/^Reloaded: 2 processes$/)
        File.delete("#{folder}/slow")

        long = "/?#{"a" * 200}"
        expect(Array.new(8) { RawClient.open(process.url) { |client| client.get(long).status } }).to all(eq(414))
        expect([process.out.scan("Reloaded").size, process.err.scan("given up").size]).to eq([1, 0])
        expect(process.signal(:TERM).status).to eq(0)
      end

      it "restarts, if that is asked for then" do
        read_by(process.signal(:HUP))
        before = serving(process)
        write("kino.rb", "processes 2\npreload #{preload}\n")
        process.signal(:USR1).wait_for(/^Restarted: 2 processes$/)

        expect(serving(process) & before).to eq([])
        expect(process.signal(:TERM).status).to eq(0)
      end

      it "gives it up after restart_timeout, and says so" do
        write("kino.rb", "#{settings}restart_timeout 1\n")
        File.delete("#{folder}/slow")
        process.signal(:HUP).wait_for(/^Reloaded/)
        before = [*serving(process), *mold(process)]
        write("slow", "")
        process.signal(:HUP)
        eventually("it is told") do
          process.err.include?("#{given_up}, and all goes on as before: they were not read within 1 s")
        end
        expect([*serving(process), *mold(process)]).to eq(before)
        File.delete("#{folder}/slow")
        process.signal(:HUP)
        eventually("it is done") { process.out.scan(/^Reloaded: 2 processes$/).size == 2 }
        expect(process.signal(:TERM).status).to eq(0)
      end
    end
  end

  it "by HUP changes nothing while something else is being replaced" do
    prepare("sleep(0.01) while File.write('booting', '') && File.exist?('slow')\n#{KinoProcesses::APP}",
            kino: "processes 2\n")
    process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    File.delete("#{folder}/booting")
    write("slow", "")
    process.signal(:USR1)
    eventually("it boots") { File.exist?("#{folder}/booting") }
    write("kino.rb", "processes 3\n")
    process.signal(:HUP).wait_for(/^Something is being replaced already/)
    expect(titles(process)).to eq(numbered(2))
    File.delete("#{folder}/slow")
    process.wait_for(/^Restarted/)

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by HUP is given up where the mold doesn't read them in time, which is ended" do
    prepare(kino: "restart_timeout 2\n")
    process = start_processes(2, pgroup: true)
    before = serving(process)
    Process.kill(:STOP, stuck = mold(process))
    process.signal(:HUP)
    eventually("it is told") { process.err.include?("the reload is given up, and all goes on as before: the mold has") }
    eventually("another boots the app") { process.err.include?("the mold died: the mold has not read its settings") }
    eventually("there is another") { mold(process) && mold(process) != stuck }
    expect(serving(process)).to match_array(before)
    process.signal(:USR1).wait_for(/^Restarted: 2 processes$/)

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by HUP is given up where the mold dies meanwhile, or there is none, and another may follow" do
    prepare("raise 'gone' if File.exist?('broken')\n#{KinoProcesses::APP}")
    process = start_processes(2, pgroup: true)
    write("broken", "")
    Process.kill(:STOP, mold(process))
    process.signal(:HUP).wait_for(/^Reloading/)
    Process.kill(:KILL, mold(process))
    eventually("it is told") { process.err.include?("the reload is given up, and all goes on as before: the mold d") }
    eventually("there is none") { process.err[/the mold died: .*gone.*another boots the app in/m] }
    process.signal(:HUP)
    eventually("it is told") { process.err.scan("the reload is given up").size == 2 }
    File.delete("#{folder}/broken")
    process.signal(:USR1).wait_for(/^Restarted: 2 processes$/)

    expect(process.signal(:TERM).status).to eq(0)
  end

  [true, false].each do |preload|
    it "by HUP leaves all as before where no process can go by the new ones, preload #{preload}" do
      first = "processes 2\nmax_uri_size 1000\npreload #{preload}\n"
      prepare(kino: first)
      process = kino("-b", "tcp://127.0.0.1:0", pgroup: true)
      process.wait_for(/^Ctrl-C/)
      write("kino.rb", "#{first.sub("2", "3").sub("1000", "100")}on_process_boot { raise 'no' }\n")
      process.signal(:HUP)
      eventually("it is told") { process.err.include?("the reload is given up, and all goes on as before: process") }
      Process.kill(:KILL, killed = serving(process).first)
      eventually("another takes its place") { (serving(process) - [killed]).size == 2 }
      long = "/?#{"a" * 500}"

      expect(Array.new(8) { RawClient.open(process.url) { |client| client.get(long).status } }).to all(eq(200))
      expect(titles(process)).to eq(numbered(2))
      write("kino.rb", first.sub("2", "3"))
      process.signal(:HUP).wait_for(/^Reloaded: 3 processes$/)
      expect(process.signal(:TERM).status).to eq(0)
    end
  end

  it "by USR2 leaves the pid file to the old server until another serves" do
    prepare("sleep(0.01) while File.write('boots', '') && File.exist?('slow')\n" \
            "raise 'half deployed' if File.exist?('broken')\n#{KinoProcesses::APP}", kino: "pidfile 'kino.pid'\n")
    process = start_processes
    pid_file = -> { File.read("#{folder}/kino.pid").to_i }
    write("broken", "")
    process.signal(:USR2)
    eventually("it is given up") { process.err.include?("as before: it ended") }
    expect(pid_file.call).to eq(process.pid)
    %w[broken boots].each { |name| File.delete("#{folder}/#{name}") }
    write("slow", "")
    process.signal(:USR2)
    eventually("it boots") { File.exist?("#{folder}/boots") }
    expect(pid_file.call).to eq(process.pid)
    File.delete("#{folder}/slow")

    process.wait_for(/^Stopped$/)
    expect(pid_file.call).not_to eq(process.pid)
    Process.kill(:TERM, pid_file.call)
    expect(process.status).to eq(0)
    expect(File.exist?("#{folder}/kino.pid")).to be(false)
  end

  %i[threaded ractor].each do |mode|
    it "by USR2 of one process in #{mode} mode leaves all to the old one until the new one's workers have booted" do
      prepare(kino: <<~RUBY)
        pidfile "kino.pid"
        mode :#{mode}
        on_worker_boot do
          File.write("#{folder}/boots", "")
          sleep(0.01) while File.exist?("#{folder}/slow")
          raise "no database" if File.exist?("#{folder}/broken")
        end
      RUBY
      process = kino("-b", "tcp://127.0.0.1:0")
      pid_file = -> { File.read("#{folder}/kino.pid").to_i }
      eventually("it serves") { ask(process.url).first == process.pid.to_s }
      write("broken", "")
      process.signal(:USR2)
      eventually("it is given up") { process.err.include?("as before: it ended") }
      expect([pid_file.call, ask(process.url).first]).to eq([process.pid, process.pid.to_s])
      %w[broken boots].each { |name| File.delete("#{folder}/#{name}") }
      write("slow", "")
      process.signal(:USR2)
      eventually("its workers boot") { File.exist?("#{folder}/boots") }
      expect([pid_file.call, process.out.include?("Stopping")]).to eq([process.pid, false])
      expect(Array.new(20) { ask(process.url).first }.uniq).to eq([process.pid.to_s])
      File.delete("#{folder}/slow")

      process.wait_for(/^Stopped$/)
      eventually("the other one serves") { ask(process.url).first == pid_file.call.to_s }
      Process.kill(:TERM, pid_file.call)
      expect(process.status).to eq(0)
      expect(File.exist?("#{folder}/kino.pid")).to be(false)
    end
  end

  it "by USR1 leaves newcomers to those that serve until a new one's workers have booted" do
    prepare(kino: <<~RUBY)
      on_worker_boot do
        File.write("#{folder}/boots", "")
        sleep(0.01) while File.exist?("#{folder}/slow")
      end
    RUBY
    process = start_processes
    before = serving(process)
    File.delete("#{folder}/boots")
    write("slow", "")
    process.signal(:USR1)
    eventually("its workers boot") { File.exist?("#{folder}/boots") }
    expect(answerers(process.url) - before).to eq([])
    File.delete("#{folder}/slow")
    process.wait_for(/^Restarted: 2 processes$/)

    expect(process.signal(:TERM).status).to eq(0)
  end

  it "by USR1 is no fault where the server is to end meanwhile" do
    prepare("File.write('booting', '') and sleep if File.exist?('slow')\n#{KinoProcesses::APP}")
    process = start_processes
    write("slow", "")
    process.signal(:USR1)
    eventually("it boots") { File.exist?("#{folder}/booting") }

    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out).to end_with("Stopped\n")
  end

  it "by USR1 needs nobody to read what is said" do
    prepare
    reader, writer = IO.pipe
    nil while writer.write_nonblock("x", exception: false) == 1
    url = "tcp://127.0.0.1:#{free_port}"
    process = kino("-b", url, "--processes", "2", out: writer)
    eventually("they serve") { serving(process).size == 2 }
    before = serving(process)
    sleep(1) # what it says at start is stuck
    process.signal(:USR1)
    eventually("they are replaced") { (after = serving(process)).size == 2 && (after & before).empty? }

    expect(process.signal(:TERM).status).to eq(0)
  ensure
    [reader, writer].each(&:close)
  end

  it "by HUP names a changed bind, which no restart takes" do
    prepare(kino: "bind 'tcp://127.0.0.1:0'\nprocesses 2\n")
    process = kino(pgroup: true)
    process.wait_for(/^Ctrl-C/)
    write("kino.rb", "bind 'unix://#{folder}/other.sock'\nquiet false\nenvironment 'other'\n")
    process.signal(:HUP).wait_for(/^Reloading/)

    named = "kino: bind changed, which takes a stop and another start\n" \
            "kino: environment changed, which takes a restart (USR2)\n"
    eventually("both are named") { process.err.include?(named) } # on another pipe than what was waited for
    expect(process.signal(:TERM).status).to eq(0)
  end

  [true, false].each do |preload|
    it "by USR1 takes kino.rb as it is by then, preload #{preload}" do
      prepare(kino: "processes 2\nmax_uri_size 1000\npreload #{preload}\n")
      process = kino("-b", "tcp://127.0.0.1:0")
      process.wait_for(/^Ctrl-C/)
      write("kino.rb", "processes 3\nmax_uri_size 100\npreload #{preload}\n")
      process.signal(:USR1).wait_for(/^Restarted: 3 processes$/)
      long = "/?#{"a" * 500}"

      eventually("there are three") { serving(process).size == 3 }
      expect(Array.new(8) { RawClient.open(process.url) { |client| client.get(long).status } }).to all(eq(414))
      expect(process.signal(:TERM).status).to eq(0)
    end
  end
end
