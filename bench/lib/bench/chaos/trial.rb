# frozen_string_literal: true

require_relative "../restart/clients"
require_relative "../restart/subject"
require_relative "blows"
require_relative "client"

module Bench
  module Chaos
    # A server, its clients, and what happens to it meanwhile.
    class Trial
      # Seconds until a process that was stopped counts as stuck.
      STUCK = 2
      SETTINGS = "process_timeout #{STUCK}\n".freeze
      # Seconds after which nobody can lose a new connection by a blow any more: one that was stopped is found to be
      # stuck, and its clients hear of its end.
      AFTER = { "kill" => 1.0, "stop" => STUCK + 3.0 }.freeze
      # Seconds for all to be well again at the end.
      REST = 10
      # Seconds between two words on how it goes.
      TOLD = 30

      # @!attribute count [Restart::Client::Count]
      # @!attribute blows [Hash{String => Integer}] how often what happened
      # @!attribute excused [Integer] requests lost by somebody whose process was killed; on a new connection, of which
      #   nobody knows whose it was, whose process may just have been
      # @!attribute losses [Array<Client::Loss>] all others
      # @!attribute memory [Array<Float>] MiB (PSS) of all, by the number that serve, after the first minute or half the
      #   time, and at the end
      # @!attribute serving [Array(Integer, Integer)] processes that answer at the end, and that are there
      Outcome = Data.define(:count, :blows, :excused, :losses, :memory, :serving)

      # @param subject [Restart::Subject] not yet started
      # @param path [String]
      # @param clients [Integer]
      # @param slow [Integer]
      # @param seconds [Integer]
      # @param seed [Integer]
      # @param only [Array<String>] of {Blows::KINDS}
      def initialize(subject, path, clients:, slow:, seconds:, seed:, only:)
        @subject = subject
        @path = path
        @numbers = [clients, slow]
        @seconds = seconds
        @seed = seed
        @only = only
      end

      # @return [Outcome]
      def run
        @subject.start
        clients, slow = @numbers
        crew = Array.new(clients) { Client.new(@subject.port, @path) } +
               Array.new(slow) { SlowClient.new(@subject.port) }
        @clients = Restart::Clients.new(crew).start
        @blows = Blows.new(@subject, @only, @seed)
        early = strike_on
        sleep REST
        observe(early)
      ensure
        @clients&.stop
        @subject.stop
      end

      private

      # @return [Float] the memory after a while
      def strike_on
        began = told = Bench.now
        early = nil
        while Bench.now - began < @seconds
          sleep @blows.pause
          @blows.strike
          early ||= memory if Bench.now - began > [60, @seconds / 2].min
          Bench.say "#{(Bench.now - began).round} s: #{@blows.all.map(&:kind).tally}" if Bench.now - told > TOLD
          told = Bench.now if Bench.now - told > TOLD
        end
        early || memory
      end

      def observe(early)
        report = @clients.report
        excused, losses = report.faults.flat_map { |fault, count| [fault] * count }.partition { |loss| excused?(loss) }
        Outcome.new(count: report.count, blows: @blows.all.map(&:kind).tally, excused: excused.size, losses: losses,
                    memory: [early, memory], serving: serving)
      end

      # How many processes answer, of those that are there.
      def serving
        there = tree.titles.filter_map { |pid, title| pid if title.match?(Blows::SERVES) }
        answers = Array.new(there.size * 20) { @subject.get("/").last.to_i }
        [(there & answers).size, there.size]
      end

      # Whether the process was killed, or stopped, that had the request, or may have had it.
      def excused?(loss)
        loss.is_a?(Client::Loss) && @blows.all.any? do |blow|
          after = AFTER[blow.kind] or next
          loss.pid ? loss.pid == blow.pid : blow.at <= loss.ended && loss.began <= blow.at + after
        end
      end

      def tree = ProcessTree.new(@subject.pid)

      # There are now more of them, and now fewer.
      def memory
        serving = tree.titles.values.grep(Blows::SERVES).size
        tree.pss_kib / 1024.0 / [serving, 1].max
      end
    end
  end
end
