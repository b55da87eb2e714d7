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
        # Flags win over the environment (PORT, WEB_CONCURRENCY, RAILS_MAX_THREADS, APP_ENV or RACK_ENV),
        # that wins over this file, and this file over the defaults. Every setting below is commented out
        # and shows its default, or an example.
      RUBY

      # What each group of settings is for, and which of them to look at first.
      GROUPS = {
        "Where Kino listens" => "The addresses, and who is believed at them. Most apps need one line: bind, or port " \
                                "where a platform says PORT.",
        "How requests are run" => "How many requests run at once in a process, and what the app wants called. Look " \
                                  "at threads first: as many as your database pool has connections.",
        "Processes" => "Copies of the app, for all cores. Look at processes first; what follows keeps their memory " \
                       "down, and says what each is to open and to let go of.",
        "The app" => "Which app it is, and what it finds of the server.",
        "Logs" => "What is written of each request and of the server. Without any of it, Kino says when it starts " \
                  "and stops, and what goes wrong.",
        "Bounds on a request" => "What a client may send. Past each bound it gets an answer that says so, and the " \
                                 "app never sees the request.",
        "Bounds on load" => "What all clients together may have. Past it, they wait or hear 503, and those who are " \
                            "served are served as fast as before.",
        "HTTP/2" => "Clients that want it have it over TLS; nothing need be written for that.",
        "Deadlines, in seconds" => "For clients who are slow, for the app, and for the stop. The defaults suit what " \
                                   "stands in the open; look at request_timeout and shutdown_timeout first.",
        "How it is, and what it is to do" => "For those who look after it: kino status, requests, top, restart and " \
                                             "stop ask here, and so do Prometheus and load balancers."
      }.freeze
      private_constant :WIDTH, :HEAD, :GROUPS

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
          "# == #{title}\n#\n#{comment(GROUPS.fetch(title))}\n#{settings.map { |setting| entry(setting) }.join("\n")}"
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
