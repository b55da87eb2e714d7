# frozen_string_literal: true

require_relative "../parser/source"

module Kino
  module Check
    # Which files an app has loaded, or loads when a request needs them: what none of it uses harms nobody.
    #
    # @api private
    class Loaded
      def initialize = @read = []

      # Notes what is loaded meanwhile. Ruby keeps a list of what is required alone: neither of what is loaded again and
      # again, nor of what is read and evaluated, as a config.ru is.
      #
      # @yieldreturn [Object]
      # @return [Object] what the block gives
      def watch(&)
        TracePoint.new(:script_compiled) { |point| note(point.instruction_sequence) }.enable(target_thread: nil, &)
      end

      # @param path [String] of a file that is there
      # @return [Boolean]
      def include?(path)
        real = File.realpath(path)
        files.key?(real) || folders.any? { |folder| real.start_with?(folder) }
      rescue SystemCallError
        false
      end

      private

      def note(code) = @read << (code.absolute_path || File.expand_path(code.path))

      # Those that are no app's are many, and looked at by their names alone.
      def files
        @files ||= [*$LOADED_FEATURES, *@read].each_with_object({}) do |path, all|
          all[path] = true
          all[File.realpath(path)] = true if path.end_with?(".rb", ".ru") && Files.own?(path)
        end
      end

      # What Zeitwerk loads by its name when somebody uses it, as Rails' in development does.
      def folders
        @folders ||= zeitwerk.flat_map(&:dirs).select { |folder| File.directory?(folder) }
                             .map { |folder| "#{File.realpath(folder)}/" }
      end

      def zeitwerk
        return [] unless defined?(::Zeitwerk::Registry)

        ::Zeitwerk::Registry.loaders.enum_for(:each).to_a
      rescue NoMethodError
        [] # of a version that keeps them elsewhere
      end
    end
  end
end
