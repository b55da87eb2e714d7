# frozen_string_literal: true

require "fileutils"
require "open3"
require "rbconfig"
require "tmpdir"

# What `rails new` makes, with Active Record and SQLite where it is asked for, and a page that tells of its process. It
# is made once for all examples that want the like; each gets a copy.
module RailsNew
  ROOT = File.expand_path("../..", __dir__)
  # Nothing of a page's own is needed, nor what none of the bundle's gems brings.
  OPTIONS = %w[--quiet --minimal --api --skip-bundle --skip-git --skip-docker --skip-ci --skip-rubocop --skip-brakeman
               --skip-test --skip-bootsnap --skip-keeps].freeze
  # Puma is in the bundle of these specs, and taken unless another is named.
  ENVIRONMENT = { "BUNDLE_GEMFILE" => "#{ROOT}/Gemfile", "SECRET_KEY_BASE" => "of no use to anyone" * 2 }.freeze
  CONTROLLER = <<~'RUBY'
    class ToldController < ApplicationController
      def show
        request.send_early_hints("link" => "</a.css>; rel=preload") if params[:hints]
        again = "again" if Rails.root.join("again").exist?
        render plain: [Process.pid, Rails.env, BOOTED, again].compact.join(" ")
      end
    end
  RUBY

  @made = {}

  module_function

  # @param folder [String] where its copy is to be
  # @param database [Boolean] whether it has one
  def copy_to(folder, database: false)
    FileUtils.cp_r("#{made(database)}/.", folder)
  end

  def made(database)
    @made[database] ||= make(database).tap do |folder|
      owner = Process.pid
      at_exit { FileUtils.rm_rf(folder) if Process.pid == owner }
    end
  end

  def make(database)
    folder = File.realpath(Dir.mktmpdir("kino-rails"))
    options = database ? OPTIONS : [*OPTIONS, "--skip-active-record"]
    command = [RbConfig.ruby, "-e", "load Gem.bin_path('railties', 'rails')", "--", "new", folder, "--name", "greeter"]
    out, status = Open3.capture2e(ENVIRONMENT, *command, *options, chdir: folder)
    raise "rails new failed:\n#{out}" unless status.success?

    File.write("#{folder}/config/routes.rb", "Rails.application.routes.draw { root \"told#show\" }\n")
    File.write("#{folder}/config/initializers/booted.rb", "BOOTED = Process.pid\n")
    production = "#{folder}/config/environments/production.rb"
    File.write(production, File.read(production).sub("force_ssl = true", "force_ssl = false"))
    File.write("#{folder}/app/controllers/told_controller.rb", CONTROLLER)
    folder
  end
  private_class_method :made, :make
end
