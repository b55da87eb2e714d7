# frozen_string_literal: true

require "fileutils"
require "open3"
require "support/kino_process"
require_relative "debian_packages"

# An app that is moved from Puma to Kino, and back, by one line of its Gemfile, as somebody would who has found Kino.
module MovingIn
  ROOT = File.expand_path("../..", __dir__)
  PUMA = /^gem ["']puma["'].*$/

  # For example groups: {#app} is its folder.
  module Helpers
    def self.included(group) = group.include(Eventually, KinoProcess::Helpers)

    # One line of that file.
    def move_to(server, app, env, file: "Gemfile")
      gemfile = File.join(app, file)
      FileUtils.cp(gemfile, "#{gemfile}.first") unless File.exist?("#{gemfile}.first")
      text = File.read("#{gemfile}.first")
      File.write(gemfile, server == "kino" ? text.sub(PUMA, "gem \"kino\", path: \"#{ROOT}\"") : text)
      run_in(app, env, "bundle", "install", "--local")
    end

    # Runs a command to its end; what it says.
    def run_in(app, env, *command)
      out, status = Open3.capture2e(clean.merge(env), *command, chdir: app)
      expect([command, status.success? || out]).to eq([command, true])
      out
    end

    # Starts a server there, which a client finds by what it says.
    def serve_in(app, env, *command)
      process = KinoProcess.new(command, env: clean.merge(env), chdir: app)
      (@processes ||= []) << process
      process
    end

    private

    # Without the bundle of the specs.
    def clean
      bundler = ENV.keys.grep(/\ABUNDLE|\ARUBYOPT\z/).to_h { |name| [name, nil] }
      KinoProcess::UNSET.merge(bundler)
    end
  end
end
