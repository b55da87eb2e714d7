# frozen_string_literal: true

require "fileutils"
require "support/kino_processes"

RSpec.describe "kino with a restart_file" do
  include KinoProcesses

  after { @heirs&.each { |pid| Process.kill(:KILL, pid) if alive?(pid) } }

  each_mode do
    # One process hands over to another server, whose pid file tells it.
    def server = File.read("#{folder}/kino.pid").to_i

    it "restarts when it is touched, again and again, and not for what was there before" do
      prepare(kino: "restart_file 'tmp/restart.txt'\npidfile 'kino.pid'\n")
      write("tmp/restart.txt", "")
      process = kino("-b", "tcp://127.0.0.1:0", "-t", "2", *in_mode(mode))
      process.wait_for(/^Ctrl-C/)
      %w[two three].each do |version|
        write("version", version)
        FileUtils.touch("#{folder}/tmp/restart.txt")
        eventually("it has restarted") { ask(process.url).last == version }
        eventually("no other serves") { Array.new(10) { ask(process.url).last }.uniq == [version] }
      end
      (@heirs ||= []) << server
      expect(process.out.scan(/^Restarting/).size).to eq(2)
      Process.kill(:TERM, server)
      eventually("it has ended") { !alive?(@heirs.last) }
    end
  end

  it "says once what is wrong with what it restarts, and goes on" do
    prepare(kino: "plugin :tmp_restart\n")
    process = kino("-b", "tcp://127.0.0.1:0")
    process.wait_for(/^Ctrl-C/)
    write("config.ru", "raise 'half deployed'")
    write("tmp/restart.txt", "")
    eventually("it is told") { process.err.include?("the restart is given up") }
    expect(ask(process.url).last).to eq("one")
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.out.scan(/^Restarting/).size).to eq(1)
  end
end
