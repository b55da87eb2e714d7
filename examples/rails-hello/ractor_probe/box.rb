# frozen_string_literal: true

require "rbconfig"
require_relative "steps"

module RactorProbe
  # The same steps in a Ruby::Box, on a Ruby that has them. They need a process that was started for them.
  module Box
    # Loads a file in a new box, which finds gems where this process does.
    LOADER = "box = Ruby::Box.new; box.load_path.replace($LOAD_PATH); box.require(ARGV.first)"

    class << self
      def here? = defined?(Ruby::Box) ? true : false

      # What the steps find there. Its own children have their deadlines; the box's is longer.
      def run
        Child.run("boot the app in a Ruby::Box", deadline: DEADLINE * 8) do |pipe|
          exec({ "RUBY_BOX" => "1", "PROBE_PIPE" => pipe.fileno.to_s }, RbConfig.ruby, "-W:no-experimental",
               "-e", LOADER, File.join(File.dirname(__dir__), "ractor_probe.rb"), pipe => pipe)
        end
      end

      # Runs the steps in the process that was started so, and ends it.
      def answer(pipe)
        pipe.binmode.write(Marshal.dump(Steps.run))
        pipe.close
      ensure
        exit!
      end
    end
  end
end
