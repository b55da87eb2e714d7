# frozen_string_literal: true

require_relative "../problem"
require_relative "client"

module Bench
  module Restart
    # Clients in a process of their own, so that they don't wait for whoever restarts the server. It is asked through a
    # pipe what they have seen since it was last asked.
    class Clients
      # @!attribute count [Client::Count] of all
      # @!attribute faults [Hash{String => Integer}]
      Report = Data.define(:count, :faults)

      # @param clients [Array<#run>] each runs until its block says that it is enough; those that are a {Client} are
      #   asked what they have seen
      def initialize(clients)
        @clients = clients
      end

      # Starts them.
      # @return [self]
      def start
        @answers, theirs = IO.pipe(binmode: true)
        ours, @questions = IO.pipe
        @pid = fork do
          trap("INT", "IGNORE") # Ctrl-C reaches the whole terminal; the parent decides
          [@answers, @questions].each(&:close)
          serve(ours, theirs)
        ensure
          exit!(true) # the parent's own ensure blocks, which end the server, are not for a child
        end
        [ours, theirs].each(&:close)
        self
      end

      # @return [Report] since it was last asked
      def report
        @questions.puts
        Marshal.load(@answers)
      rescue EOFError, SystemCallError
        raise Problem, "the clients have died"
      end

      # Ends them. Safe to call twice.
      # @return [void]
      def stop
        return unless @pid

        @questions.close
        Process.wait(@pid)
        @pid = nil
        @answers.close
      end

      private

      def serve(questions, answers)
        threads = @clients.map { |client| Thread.new { client.run { @is_over } } }
        asked = @clients.grep(Client)
        while questions.gets
          faults = asked.flat_map { |client| client.faults.slice!(0..) }
          Marshal.dump(Report.new(count: asked.map(&:take).sum(Client.nothing), faults: faults.tally), answers)
        end
        @is_over = true
        threads.each(&:join)
      end
    end
  end
end
