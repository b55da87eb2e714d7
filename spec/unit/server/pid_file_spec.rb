# frozen_string_literal: true

require "kino/server/pid_file"
require "tmpdir"

RSpec.describe Kino.const_get(:PidFile) do
  # Runs that in a process of its own, whose title may be one of Kino's: what it prints.
  def in_process(path, title: nil)
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      Process.setproctitle(title) if title
      begin
        described_class.keep(path)
        writer.puts "kept"
      rescue Kino::ConfigurationError => error
        writer.puts error.message
      end
      writer.close
      sleep if title
      exit!(true)
    end
    writer.close
    yield pid, reader.read.chomp
  ensure
    Process.kill(:KILL, pid)
    Process.wait(pid)
    reader.close
  end

  around { |example| Dir.mktmpdir { |folder| (@path = "#{folder}/server.pid") && example.run } }

  it "is claimed by one server at a time" do
    in_process(@path, title: "kino: parent") do |pid, said|
      expect([said, File.read(@path)]).to eq(["kept", "#{pid}\n"])
      in_process(@path) do |_, refusal|
        expect(refusal).to eq("pidfile: #{@path} is that of process #{pid}, which runs; stop it (kino stop), " \
                              "or name another file")
      end
      expect(File.read(@path)).to eq("#{pid}\n")
    end
  end

  it "is looked at before there are clients who would be lost" do
    [["#{@path}/none", "Not a directory"], ["#{@path}-/none", "No such file or directory"]].each do |path, why|
      File.write(@path, "")
      expect { described_class.check(path) }
        .to raise_error(Kino::ConfigurationError, /\Apidfile: #{path} can't be written \(#{why}\); write the path of/)
    end
    expect([described_class.check(@path), described_class.check("#{@path}.new"), described_class.check(nil)])
      .to eq([true, true, false])
    expect(File.exist?("#{@path}.new")).to be(false)
  end

  it "keeps what stands there where the disk is full" do
    File.write(@path, "1234567890\n")
    pid = fork do
      trap(:XFSZ, "IGNORE")
      Process.setrlimit(:FSIZE, 0)
      described_class.keep(@path)
      exit!(0)
    rescue Kino::ConfigurationError
      exit!(3)
    end

    expect([Process.wait2(pid).last.exitstatus, File.read(@path)]).to eq([3, "1234567890\n"])
  end

  it "is no longer than the number" do
    File.write(@path, "1234567890\nand more\n")
    in_process(@path) { |pid, _| expect(File.read(@path)).to eq("#{pid}\n") }
  end

  it "is taken over from a server that is gone, and from a process that is none" do
    ["0\n", "nonsense", "#{fork { exit! }.tap { |gone| Process.wait(gone) }}\n"].each do |left|
      File.write(@path, left)
      in_process(@path) { |pid, said| expect([said, File.read(@path)]).to eq(["kept", "#{pid}\n"]) }
    end
  end

  it "is one server's, however many would have it at the same moment" do
    20.times do
      File.write(@path, "0\n")
      go, gate = IO.pipe
      reader, writer = IO.pipe
      pids = Array.new(8) do
        fork do
          gate.close
          reader.close
          Process.setproctitle("kino: parent")
          go.read
          described_class.keep(@path)
          writer.puts(Process.pid)
          sleep
        rescue Kino::ConfigurationError
          exit!(true)
        end
      end
      [go, writer].each(&:close)
      gate.close
      winner = reader.gets.to_i
      (pids - [winner]).each { |pid| Process.wait(pid) }
      expect(File.read(@path)).to eq("#{winner}\n")
      Process.kill(:KILL, winner)
      Process.wait(winner)
      expect(reader.read).to eq("")
      reader.close
    end
  end

  it "is nobody's where its file system is full, and says so" do
    skip "there is no /dev/full" unless File.chardev?("/dev/full")

    File.symlink("/dev/full", @path)
    in_process(@path) do |_, said|
      expect(said).to start_with("pidfile: #{@path} can't be written (No space left on device); write the path")
    end
    expect(File.symlink?(@path)).to be(false)
  end

  it "waits for nobody who has it locked for long" do
    File.write(@path, "")
    File.open(@path) do |file|
      file.flock(File::LOCK_EX)
      in_process(@path) { |pid, said| expect([said, File.read(@path)]).to eq(["kept", "#{pid}\n"]) }
    end
  end

  it "is removed by whose it is, and by nobody else" do
    pid = fork { described_class.keep(@path) }
    Process.wait(pid)
    expect(File.exist?(@path)).to be(false)
    pid = fork do
      described_class.keep(@path)
      File.write(@path, "1\n")
    end
    Process.wait(pid)
    expect(File.read(@path)).to eq("1\n")
  end
end
