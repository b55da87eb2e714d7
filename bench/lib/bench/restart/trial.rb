# frozen_string_literal: true

require_relative "clients"
require_relative "load"
require_relative "subject"

module Bench
  module Restart
    # One kind of restart, again and again, under load.
    class Trial
      # What is sent for each. The last is the same load without a restart: what the machine itself makes clients wait.
      KINDS = { "rolling" => "USR1", "overlap" => "USR2", "reload" => "HUP", "none" => nil }.freeze
      # Connections of wrk.
      CONNECTIONS = 32
      # Seconds between two restarts, and that "none" lasts.
      REST = 0.5
      NONE = 2.0

      # @!attribute seconds [Array<Float>] that each restart took
      # @!attribute waits [Array<Float>] milliseconds that the client waited who waited longest, of each restart
      # @!attribute count [Client::Count] what clients saw, of all together
      # @!attribute wrk [Wrk::Result]
      # @!attribute faults [Hash{String => Integer}]
      Outcome = Data.define(:seconds, :waits, :count, :wrk, :faults)

      # @param subject [Subject] not yet started
      # @param path [String] what is asked for
      # @param clients [Integer] besides wrk
      def initialize(subject, path, clients)
        @subject = subject
        @path = path
        @clients = clients
      end

      # @param kind [String]
      # @param times [Integer]
      # @yieldparam number [Integer] after each restart, from 1
      # @return [Outcome]
      def run(kind, times, &)
        @subject.start
        clients = Clients.new(Array.new(@clients) { Client.new(@subject.port, @path) }).start
        load = Load.new("http://127.0.0.1:#{@subject.port}#{@path}", CONNECTIONS).start
        sleep 1 # all are busy
        clients.report
        observe(KINDS.fetch(kind), times, clients, load, &)
      ensure
        load&.stop
        clients&.stop
        @subject.stop
      end

      private

      def observe(signal, times, clients, load)
        seconds = []
        reports = Array.new(times) do |number|
          seconds << (signal ? @subject.restart(signal) : sleep(NONE).to_f)
          sleep REST
          clients.report.tap { yield number + 1 }
        end
        counts = reports.map(&:count)
        faults = reports.map(&:faults).reduce({}) { |all, some| all.merge(some) { |_, one, other| one + other } }
        Outcome.new(seconds: seconds, waits: counts.map(&:longest), count: counts.sum(Client.nothing), wrk: load.stop,
                    faults: faults)
      end
    end
  end
end
