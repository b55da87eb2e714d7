# frozen_string_literal: true

require "open3"
require "socket"

# A proxy of the machine's own before a server, started with a file of examples/ that listens elsewhere.
module Proxy
  ROOT = File.expand_path("../../examples", __dir__)

  # Where that isn't installed, an example is skipped by this reason.
  def self.missing(command)
    found = ENV["PATH"].split(":").push("/usr/sbin").any? { |folder| File.executable?("#{folder}/#{command}") }
    "#{command} isn't installed (Debian: apt-get install #{command})" unless found
  end

  def self.free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

  # Yields with one that listens at the port.
  def self.run(port, *command)
    pid = Process.spawn({ "PATH" => "#{ENV.fetch("PATH")}:/usr/sbin" }, *command, out: File::NULL, err: File::NULL)
    until listens?(port)
      raise "#{command.join(" ")} has ended" if Process.wait(pid, Process::WNOHANG)

      sleep(0.02)
    end
    yield
  ensure
    stop(pid) if pid
  end

  # What it says of its file, and whether that is right.
  def self.check(*command) = Open3.capture2e({ "PATH" => "#{ENV.fetch("PATH")}:/usr/sbin" }, *command)

  def self.listens?(port)
    TCPSocket.new("127.0.0.1", port).close
    true
  rescue SystemCallError
    false
  end

  def self.stop(pid)
    Process.kill(:TERM, pid)
    Process.wait(pid)
  rescue SystemCallError
    nil # it has ended
  end
  private_class_method :listens?, :stop
end
