# frozen_string_literal: true

module Kino
  class Configuration
    # The `kino.rb` that `kino --init` writes: every setting explained, and commented out at its default.
    #
    # @api private
    module Template
      # Columns a comment may take.
      WIDTH = 100

      HEAD = <<~RUBY
        # frozen_string_literal: true

        # Settings of Kino, the web server. This file is plain Ruby. `kino`, `rackup -s kino` and
        # `rails server -u kino` read kino.rb, or config/kino.rb, from the folder they are started in;
        # `kino -C FILE` reads another.
        #
        # Flags win over the environment (PORT, WEB_CONCURRENCY, RAILS_MAX_THREADS, RACK_ENV), that wins
        # over this file, and this file over the defaults. Every setting below is commented out and shows
        # its default, or an example.
      RUBY
      private_constant :WIDTH, :HEAD

      class << self
        # @return [String] the file's text
        def text
          [HEAD, *Settings::SECTIONS.map { |title, settings| section(title, settings) }].join("\n")
        end

        # @param path [String] where to write it; a file that exists is left alone
        # @return [void]
        # @raise [ConfigurationError] when the file exists or can't be written
        def write(path)
          File.open(path, File::WRONLY | File::CREAT | File::EXCL) { |file| file.write(text) }
        rescue Errno::EEXIST
          raise ConfigurationError, "#{path} exists already and is left as it is; name another file: kino --init FILE"
        rescue SystemCallError => error
          raise ConfigurationError, "#{path} can't be written (#{error.message[/\A[^@]+/].strip}); " \
                                    "name another file: kino --init FILE"
        end

        private

        def section(title, settings)
          "# == #{title}\n\n#{settings.map { |setting| entry(setting) }.join("\n")}"
        end

        def entry(setting)
          "#{comment(setting.doc)}#{comment(origins(setting))}# #{setting.written}\n"
        end

        def origins(setting)
          places = [*setting.flags, *setting.variables]
          also = "; also #{places.join(", ")}" unless places.empty?
          "Default: #{setting.default_text}#{also}"
        end

        def comment(text) = text.gsub(/(.{1,#{WIDTH}})(?:\s+|\z)/, "# \\1\n")
      end
    end
  end
end
