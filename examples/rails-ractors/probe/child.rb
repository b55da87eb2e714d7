# frozen_string_literal: true

require "tempfile"
require_relative "finding"

module RactorProbe
  # Seconds a step may take, and one answer in it.
  DEADLINE = Integer(ENV.fetch("PROBE_DEADLINE", "60"))
  LIMIT = [DEADLINE / 6.0, 1].max

  # A forked process, with a pipe for what it finds.
  module Child
    class << self
      # What the block gives there, or why it didn't come to its end: then it is an Array of a {Finding}.
      def run(what)
        output = Tempfile.new
        reader, writer = IO.pipe(binmode: true)
        pid = fork { child(what, output, writer) { yield } }
        writer.close
        found = receive(reader)
        Process.kill(:KILL, pid) unless found
        status = Process.wait2(pid).last
        return Marshal.load(found) unless found.to_s.empty?

        [{ what: what, error: found ? fate(status) : "no end within #{DEADLINE} s", where: said(output) }]
      ensure
        reader.close
        output.close!
      end

      private

      # It ends without waiting for ractors, which may never end.
      def child(what, output, writer)
        [$stdout, $stderr].each { |io| io.reopen(output) }
        writer.write(Marshal.dump(Finding.guard(what) { yield }))
        writer.close
      ensure
        exit!
      end

      # All that comes until the pipe's end; nil when that doesn't come in time.
      def receive(reader)
        last = now + DEADLINE
        received = +""
        received << reader.readpartial(65_536) while reader.wait_readable([last - now, 0].max)
      rescue EOFError
        received
      end

      def fate(status)
        how = status.signaled? ? "by SIG#{Signal.signame(status.termsig)}" : "with exit status #{status.exitstatus}"
        "its process ended #{how}"
      end

      # Ruby's own words for a crash, or the last that came.
      def said(output)
        output.rewind
        lines = output.readlines(chomp: true)
        lines.find { |line| line.include?("[BUG]") } || lines.last
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
