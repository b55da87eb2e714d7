# frozen_string_literal: true

require "etc"

module Bench
  # What processes and all their descendants use, as /proc tells it.
  class ProcessTree
    MICROSECONDS_PER_TICK = 1_000_000 / Etc.sysconf(Etc::SC_CLK_TCK)

    # @return [Array<Integer>]
    attr_reader :roots

    # @param roots [Array<Integer>] process ids, usually one
    def initialize(*roots)
      @roots = roots
    end

    # @return [Array<Integer>] process ids, the roots first
    def pids
      parents = Dir.children("/proc").grep(/\A\d+\z/).to_h { |pid| [pid.to_i, stat(pid)&.at(1).to_i] }
      found = roots.dup
      found.each { |pid| found.concat(parents.filter_map { |child, parent| child if parent == pid }) }
    end

    # @return [Integer] microseconds of user and system time so far, in steps of a clock tick
    def cpu_us
      # Fields 14 and 15 of proc(5), counted from the third, which is the first after the command's name.
      pids.sum { |pid| (stat(pid)&.values_at(11, 12) || []).sum(&:to_i) } * MICROSECONDS_PER_TICK
    end

    # @return [Float] the same from the scheduler's own clock, for spans in which no thread ends: theirs is lost
    def cpu_us_fine
      pids.sum { |pid| Dir.glob("/proc/#{pid}/task/*/schedstat").sum { |file| read(file).to_i } } / 1000.0
    end

    # @return [Integer] KiB of memory, pages shared with other processes counted by share
    def pss_kib
      sum("smaps_rollup", /^Pss:\s+(\d+)/)
    end

    # @return [Hash{Integer => String}] what each process calls itself, by its id
    def titles
      pids.to_h { |pid| [pid, read("/proc/#{pid}/cmdline").tr("\0", " ").strip] }
    end

    # @return [Hash{Integer => Integer}] KiB of memory of each process that is its own alone, and written to
    def private_kib
      pids.to_h { |pid| [pid, read("/proc/#{pid}/smaps_rollup")[/^Private_Dirty:\s+(\d+)/, 1].to_i] }
    end

    # @return [Integer] KiB of memory, shared pages counted once a process
    def rss_kib
      sum("status", /^VmRSS:\s+(\d+)/)
    end

    private

    def sum(file, pattern)
      pids.sum { |pid| read("/proc/#{pid}/#{file}")[pattern, 1].to_i }
    end

    # The fields after the command's name, which may itself hold blanks and parentheses.
    def stat(pid)
      read("/proc/#{pid}/stat").rpartition(") ").last.split.then { |fields| fields unless fields.empty? }
    end

    # A process may end between being seen and being read.
    def read(file)
      File.read(file)
    rescue Errno::ENOENT, Errno::ESRCH
      ""
    end
  end
end
