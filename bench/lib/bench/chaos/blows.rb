# frozen_string_literal: true

require_relative "../process_tree"

module Bench
  module Chaos
    # What happens to a server's processes, one thing after the other, at random.
    class Blows
      SIGNALS = { "rolling" => "USR1", "overlap" => "USR2", "reload" => "HUP", "more" => "TTIN",
                  "less" => "TTOU" }.freeze
      KINDS = ["kill", "stop", *SIGNALS.keys].freeze
      # Seconds between two.
      PAUSE = 0.5..2.5
      SERVES = /\Akino: process \d+ of \d+, \d+ running/
      # Processes there may be.
      COUNT = 2..5

      # @!attribute at [Float] as {Bench.now} tells it
      # @!attribute kind [String] one of {KINDS}
      # @!attribute pid [Integer] whom it struck
      Blow = Data.define(:at, :kind, :pid)

      # @return [Array<Blow>] so far
      attr_reader :all

      # @param subject [Restart::Subject] started
      # @param kinds [Array<String>]
      # @param seed [Integer]
      def initialize(subject, kinds, seed)
        @subject = subject
        @kinds = kinds
        @random = Random.new(seed)
        @all = []
      end

      # @return [Float] seconds until the next one
      def pause = @random.rand(PAUSE)

      # One more.
      # @return [void]
      def strike
        kind = @kinds.sample(random: @random)
        pid = SIGNALS.key?(kind) ? tell(kind) : hit(kind)
        @all << Blow.new(at: Bench.now, kind: kind, pid: pid) if pid
      end

      private

      def hit(kind)
        pid = serving.sample(random: @random)
        Process.kill(kind.upcase, pid) if pid
        pid
      rescue Errno::ESRCH
        nil # it has just ended on its own
      end

      def tell(kind)
        count = serving.size
        return if kind == "more" && count >= COUNT.end || kind == "less" && count <= COUNT.begin

        @subject.pid.tap { |pid| Process.kill(SIGNALS.fetch(kind), pid) }
      rescue Errno::ESRCH, Errno::ENOENT
        nil # one server has just left its place to the next
      end

      def serving = ProcessTree.new(@subject.pid).titles.filter_map { |pid, title| pid if title.match?(SERVES) }
    end
  end
end
