# frozen_string_literal: true

require "support/kino_processes"

# What a program has that is started by the app, or by its settings: the private keys that Kino keeps for its own
# processes are in a file in memory, and none of its descriptors is for others.
RSpec.describe "a program that is started while TLS is served" do
  include KinoProcesses

  before { skip "a process's descriptors are told by /proc" unless File.directory?("/proc/self/fd") }

  # Told by the program itself: what each of its descriptors is.
  text = <<~'RUBY'
    module Looking
      LIST = Ractor.make_shareable(["ls", "-l", "/proc/self/fd"])

      def self.name(where, way) = "#{ENV.fetch("SEEN")}/#{where}-#{way}-#{Process.pid}"

      def self.at(where)
        system(*LIST, out: name(where, "system"))
        system("ls -l /proc/self/fd > #{name(where, "shell")}")
        Process.wait(spawn(*LIST, out: name(where, "spawn")))
        File.write(name(where, "backticks"), `ls -l /proc/self/fd`)
        File.write(name(where, "popen"), IO.popen(LIST, &:read))
        return if Ractor.current != MAIN

        Process.wait(fork { exec(*LIST, out: name(where, "fork")) })
        nil
      end
      MAIN = Ractor.current
    end
  RUBY

  let(:looking) { text }
  let(:seen) { File.join(folder, "seen").tap { |path| Dir.mkdir(path) } }

  def start_looking(*flags)
    made = TLS.made.write(folder)
    write("looking.rb", looking)
    prepare(<<~RUBY, kino: <<~SETTINGS)
      require_relative "looking"
      Looking.at("config")
      module Asked
        def self.call(_) = [200, {}, [(Looking.at("request") || Process.pid).to_s]]
      end
      run Asked
    RUBY
      require_relative "looking"
      Looking.at("settings")
      bind "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}"
      on_worker_boot { Looking.at("worker") }
    SETTINGS
    kino(*flags, env: { "SEEN" => seen }, pgroup: true).tap { |process| process.wait_for(/^Ctrl-C/) }
  end

  # Those that have booted workers since the folder was emptied.
  def booted = Dir.children(seen).filter_map { |name| name[/\Aworker-system-(\d+)\z/, 1] }.uniq.map(&:to_i)

  # Waits until others have booted, and one of those has answered.
  def wait_for_others(process)
    eventually("others have booted") { booted.size == (mode == :processes ? 2 : 1) }
    eventually("one of them answers") do
      booted.include?(RawClient.open(process.url, &:get).body.to_i)
    rescue SystemCallError, OpenSSL::SSL::SSLError, RawClient::Truncated
      nil # of one that ends
    end
  end

  # What programs have had beside their standard streams and the folder that they list, by where they were started.
  def found
    Dir.children(seen).filter_map do |name|
      links = File.readlines(File.join(seen, name), chomp: true).filter_map { |line| line[/ -> (.*)\z/, 1] }
      more = links.grep(/socket:|memfd|deleted/)
      [name, more] if more.any? || links.size < 3
    end
  end

  def places = Dir.children(seen).map { |name| name[/\A[a-z]+/] }.uniq.sort

  # Asks once, by the session of an earlier server's.
  def resumes?(process)
    socket = TCPSocket.new("127.0.0.1", process.url[/\d+\z/].to_i)
    older = ->(context) { context.max_version = OpenSSL::SSL::TLS1_2_VERSION }
    tls = @session ? TLS.resume(socket, @session) : TLS.connect(socket, &older)
    is_resumed = @session.nil? || tls.session_reused?
    @session = tls.session
    tls.close
    is_resumed
  end

  each_mode do
    it "has none of Kino's descriptors, and the server that takes its place has them all" do
      process = start_looking(*in_mode(mode))
      told = process.pid
      [nil, :USR1, :USR2].each do |signal|
        Dir.children(seen).each { |name| File.delete(File.join(seen, name)) } if signal
        Process.kill(signal, told) if signal
        wait_for_others(process)
        process.wait_for(/^Restarted/) if signal == :USR1 && mode == :processes
        told = booted.last unless mode == :processes
        expect(found).to eq([])
        expect(places).to eq(%w[config request settings worker])
        expect(resumes?(process)).to be(true)
      end
    ensure
      Process.kill(:KILL, -process.pid)
    end
  end
end
