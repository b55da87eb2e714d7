# frozen_string_literal: true

require "rails/generators/base"

module Kino
  # What `bin/rails generate` and `bin/rails destroy` find.
  module Generators
    # `bin/rails generate kino:install` writes `config/kino.rb`, and a line for Kino in the `Procfile`. It asks nothing;
    # what is there already and says something else stays as it is, unless it is told `--force`: then the `Procfile`
    # keeps its former line as a comment. `bin/rails destroy kino:install` takes away what it has written, and nothing
    # that was changed since, and puts that line back.
    class InstallGenerator < ::Rails::Generators::Base
      # What is written, and the line.
      SETTINGS = "config/kino.rb"
      PROCFILE = "Procfile"
      LINE = "web: bundle exec kino\n"
      # A line of the same name.
      WEB = /^web:.*\n?/
      # What such a line becomes that has to give way, until this is undone.
      FORMER = "# before kino: "
      private_constant :SETTINGS, :PROCFILE, :LINE, :WEB, :FORMER

      source_root File.expand_path("templates", __dir__)
      desc "Writes config/kino.rb, Kino's settings for a Rails app, and a line for Kino in the Procfile. Asks " \
           "nothing, and overwrites nothing without --force; bin/rails destroy kino:install takes it back."

      # Writes the settings, or takes them away.
      #
      # @return [void]
      def settings
        text = File.read(File.join(self.class.source_root, "kino.rb"))
        return create_file(SETTINGS, text, force: true) if [nil, text].include?(read(SETTINGS)) || options[:force]

        kept(SETTINGS, revoking? ? "it was changed since" : "it is there already")
      end

      # Adds the line, or takes it away.
      #
      # @return [void]
      def procfile
        there = read(PROCFILE)
        return take_line_away(there) if revoking?
        return create_file(PROCFILE, LINE) if there.nil?
        return say_status(:identical, PROCFILE, :blue) if line?(there)
        return append_to_file(PROCFILE, there.end_with?("\n") ? LINE : "\n#{LINE}") unless there.match?(WEB)
        return kept(PROCFILE, "its web line is another") unless options[:force]

        there = there.gsub(/^#{FORMER}.*\n?/, "") # of another time
        create_file(PROCFILE, there.sub(WEB) { |former| "#{FORMER}#{former.chomp}\n#{LINE}" }, force: true)
      end

      # Says how the app is served now.
      #
      # @return [void]
      def next_steps
        return if revoking?

        say "\nServe the app: bin/rails server#{" -u kino" if puma?}, or bundle exec kino"
        say "Of config/puma.rb, bundle exec kino --from-puma prints what it would be here" if read("config/puma.rb")
        say "Look whether anything isn't safe with threads: bundle exec kino --check"
      end

      private

      def revoking? = behavior == :revoke

      def read(path)
        full = File.expand_path(path, destination_root)
        File.read(full) if File.file?(full)
      end

      def line?(text) = text.lines.any? { |line| line.strip == LINE.strip }

      def kept(path, reason) = say_status(:kept, "#{path}: #{reason} (--force for this one)", :yellow)

      # Where nothing else stands there, the file goes, too.
      def take_line_away(text)
        return if text.nil? || !line?(text)

        rest = text.lines.reject { |line| line.strip == LINE.strip }.map { |line| line.delete_prefix(FORMER) }.join
        return create_file(PROCFILE, LINE) if rest.strip.empty?

        say_status(:revoke, "#{PROCFILE}: #{LINE.chomp}", :red)
        File.write(File.expand_path(PROCFILE, destination_root), rest) unless options[:pretend]
      end

      # Which `rails server` takes where it is there.
      def puma? = Gem.loaded_specs.key?("puma") || !Gem::Specification.find_all_by_name("puma").empty?
    end
  end
end
