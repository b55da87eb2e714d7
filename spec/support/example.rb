# frozen_string_literal: true

require "rbconfig"
require_relative "kino_process"

# `bundle exec kino` in a folder of examples/, as its README says, on a port of the system's choice.
module Example
  CHECKOUT = File.expand_path("../..", __dir__)

  def self.start(name, *arguments)
    command = [RbConfig.ruby, "-S", "bundle", "exec", KinoProcess::KINO, "-b", "tcp://127.0.0.1:0", *arguments]
    environment = KinoProcess::UNSET.merge("BUNDLE_GEMFILE" => File.join(CHECKOUT, "Gemfile"))
    KinoProcess.new(command, env: environment, chdir: File.join(CHECKOUT, "examples", name))
  end
end
