# frozen_string_literal: true

module Kino
  # `kino --reload`: an app in development, whose next request is served by the code as it is then.
  #
  # Old code is never changed where it runs: a process boots the app, serves it, and is followed by another when a file
  # has changed. So what one leaves behind, such as constants, patches and threads, is never the next one's, and
  # requests finish with the code that they began with.
  #
  # @api private
  module Reload
    class << self
      # @param configuration [Configuration]
      # @param addresses [Array<String>] where the parent listens
      # @return [Configuration] the same for one process of threads, which is asked nothing
      # @raise [ConfigurationError] where that is none for development
      def settings(configuration, addresses = configuration.bind)
        if configuration.environment == "production"
          raise ConfigurationError, "--reload: is for development, and the environment is production; leave " \
                                    "--reload out"
        end

        configuration.with(bind: addresses, mode: :threaded, processes: 1, control: nil)
      end

      # @param given [Configuration] as it was before
      # @return [Array<String>] what a start says: which folder is looked at, and which settings do nothing
      def lines(given)
        folder = File.dirname(File.expand_path(given.rackup))
        ["Reloading: a change in #{folder} boots the app anew", *left_out(given)]
      end

      private

      def left_out(given)
        words = { "mode #{given.mode}" => given.mode != :threaded, "processes" => given.processes > 1,
                  "control" => given.control }.select { |_, is_said| is_said }.keys
        "#{words.join(" and ")}: nothing with --reload, which serves in one process of threads" if words.any?
      end
    end
  end

  private_constant :Reload
end
