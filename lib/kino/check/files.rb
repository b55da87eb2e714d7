# frozen_string_literal: true

require "rbconfig"

module Kino
  module Check
    # Which files are the app's own, and how a place in one is written.
    #
    # @api private
    module Files
      # What comes with Ruby, with its packages and with Kino.
      FOREIGN = [*%w[rubylibdir archdir sitedir vendordir rubyarchdir].map { |name| RbConfig::CONFIG[name] },
                 File.expand_path("..", __dir__)].compact.map { |folder| "#{folder}/" }.freeze
      private_constant :FOREIGN

      module_function

      # @param path [String, nil] of a file
      # @return [Boolean] whether it is there and belongs neither to a gem, nor to Ruby, nor to Kino
      def own?(path)
        return false unless path && File.file?(path)

        full = File.expand_path(path)
        !full.start_with?(*FOREIGN, *Gem.path.map { |folder| "#{folder}/" })
      end

      # @param path [String]
      # @param line [Integer]
      # @return [String] `lib/app.rb:3`, from the current folder where the file is in there; a gem's from the gem's:
      #   `rack-3.1.8/lib/rack/lint.rb:30`
      def place(path, line)
        full = File.expand_path(path)
        folders = [Dir.pwd, *Gem.path.map { |folder| "#{folder}/gems" }]
        folder = folders.find { |one| full.start_with?("#{one}/") }
        "#{folder ? full.delete_prefix("#{folder}/") : full}:#{line}"
      end
    end
  end
end
