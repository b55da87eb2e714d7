# frozen_string_literal: true

require "tempfile"
require_relative "finding"

module RactorProbe
  # Seconds a step may take.
  DEADLINE = Integer(ENV.fetch("PROBE_DEADLINE", "60"))

  # A forked process, with a pipe for what it finds.
  module Child
    class << self
      # What the block finds there, or why it didn't come to its end.
      def run(what, deadline: DEADLINE)
        output = Tempfile.new
        reader, writer = IO.pipe(binmode: true)
        pid = fork { child(what, output, writer) { yield writer } }
        writer.close
        found = receive(reader, deadline)
        Process.kill(:KILL, pid) unless found
        status = Process.wait2(pid).last
        return Marshal.load(found) unless found.to_s.empty?

        [{ what: what, error: found ? fate(status) : "no end within #{deadline} s", where: said(output) }]
      ensure
        reader.close
        output.close!
      end

      private

      # It ends without waiting for ractors, which may never end.
      def child(what, output, writer)
        [$stdout, $stderr].each { |io| io.reopen(output) }
        found = Finding.guard(what) { yield }
        found = [{ what: what, status: :done }] if found.empty?
        writer.write(Marshal.dump(found))
        writer.close
      ensure
        exit!
      end

      # All that comes until the pipe's end; nil when that doesn't come in time.
      def receive(reader, deadline)
        last = now + deadline
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
