# frozen_string_literal: true

require_relative "kino/version"
require_relative "kino/errors"
require_relative "kino/processes/given_wire"
require_relative "kino/configuration"

# Gems that are compiled already carry a library for each Ruby; what was compiled here is the one there is.
begin
  require "kino/#{RUBY_VERSION[/\A\d+\.\d+/]}/kino"
rescue LoadError => error
  raise unless error.path == "kino/#{RUBY_VERSION[/\A\d+\.\d+/]}/kino"

  begin
    require "kino/kino"
  rescue LoadError => missing
    raise unless missing.path == "kino/kino"

    raise LoadError, "Kino's native extension is not compiled for this Ruby (#{RUBY_VERSION}): run " \
                     "`bundle exec rake compile` in a checkout, `gem pristine kino` for an installed gem", cause: nil
  end
end
require_relative "kino/server/server"
require_relative "kino/default_server"
require_relative "kino/capybara_server"

# A Rack 3 web server with a Rust core. Requiring it starts nothing; {Server#start} does.
#
# @example
#   require "kino"
#   server = Kino::Server.new(->(env) { [200, {}, ["hello"]] }, port: 3000)
#   server.run
module Kino
  autoload :Check, "kino/check"
  autoload :RactorLogger, "kino/ractor_logger"
  autoload :TestServer, "kino/test_server"

  # The command is the server already.
  DefaultServer.offer unless defined?(CLI)
  CapybaraServer.offer
end

require_relative "kino/railtie" if defined?(Rails::Railtie)
