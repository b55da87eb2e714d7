# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "debian_packages"

# Debian's Redmine in a folder of its own, as its package would set it up with SQLite, and one project in it.
class RedmineApp
  PACKAGES = %w[redmine libjs-chart.js libjs-jquery libjs-jquery-ui libjs-raphael ruby-actionpack-action-caching
                ruby-actionpack-xml-parser ruby-addressable ruby-capybara ruby-childprocess ruby-chunky-png
                ruby-coderay ruby-commonmarker ruby-crass ruby-css-parser ruby-csv ruby-enum ruby-ffi
                ruby-html-pipeline ruby-htmlentities ruby-i18n ruby-jquery-rails ruby-listen ruby-mail ruby-marcel
                ruby-metaclass ruby-mini-magick ruby-mini-mime ruby-mocha ruby-net-ldap ruby-nokogiri
                ruby-rails-observers ruby-rails-propshaft ruby-rb-inotify ruby-rbpdf ruby-rbpdf-font ruby-roadie
                ruby-roadie-rails ruby-rotp ruby-rouge ruby-rqrcode ruby-rqrcode-core ruby-sanitize
                ruby-selenium-webdriver ruby-simplecov ruby-sqlite3 ruby-task-list ruby-websocket ruby-zip].freeze
  PASSWORD = "no secret at all"
  # What goes up and comes down.
  FILE = Random.new(19).bytes(2_000_000)
  # As its own example has it; what is left out is for tests.
  ENVIRONMENT = { "RAILS_ENV" => "production", "BUNDLE_WITHOUT" => "development:test", "REDMINE_LANG" => "en",
                  "SECRET_KEY_BASE" => "of no use to anyone" * 4, "RAILS_LOG_TO_STDOUT" => nil }.freeze
  SEED = <<~RUBY.freeze
    User.find_by!(login: "admin").update!(password: #{PASSWORD.dump}, must_change_passwd: false)
    Setting.rest_api_enabled = "1"
    project = Project.create!(name: "Tea", identifier: "tea", trackers: Tracker.all, is_public: true)
    200.times do |number|
      project.issues.create!(subject: "Issue \#{number}", author: User.find_by!(login: "admin"), tracker: Tracker.first,
                             status: IssueStatus.first, priority: IssuePriority.first, description: "*Tea* " * 20)
    end
    ActiveRecord::Base.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)") # all of it is in the one file
  RUBY

  # @return [String] where it is
  attr_reader :folder
  # @return [Hash{String => String, nil}] what it is run with
  attr_reader :environment

  # @raise [DebianPackages::Missing]
  def self.make = new(DebianPackages.new("redmine", PACKAGES))

  def initialize(debian)
    @made = File.realpath(Dir.mktmpdir("kino-redmine"))
    @folder = "#{@made}/usr/share/redmine"
    @environment = { **debian.ruby_environment, **ENVIRONMENT }
    FileUtils.mkdir_p("#{@made}/usr/share")
    FileUtils.cp_r("#{debian.root}/usr/share/redmine", @folder)
    # Its style sheets and scripts are links to what other packages have.
    %w[javascript ruby-jquery-rails].each do |name|
      File.symlink("#{debian.root}/usr/share/#{name}", "#{@made}/usr/share/#{name}")
    end
    configure
  end

  # Runs what is given by whoever can run it, once: `yield "bundle", "install", "--local"`.
  def prepare
    yield "bundle", "install", "--local"
    yield "bin/rails", "db:migrate"
    yield "bin/rails", "redmine:load_default_data"
    yield "bin/rails", "runner", SEED
    FileUtils.cp(database, "#{database}.first")
  end

  # As it was before anybody has visited it.
  def begin_anew
    FileUtils.rm_f(%w[-wal -shm].map { |ending| "#{database}#{ending}" })
    FileUtils.cp("#{database}.first", database)
    FileUtils.rm_rf(Dir.glob("{#{@folder},#{instance}}/{files,tmp/cache,tmp/pids}/*"))
  end

  def remove = FileUtils.rm_rf(@made)

  private

  def database = "#{@folder}/db/redmine.sqlite3"

  # One of several that Debian's may have, each with data of its own.
  def instance = "#{@folder}/instances/default"

  # What its package has outside of /usr.
  def configure
    %w[Gemfile.lock config/database.yml instances].each { |name| FileUtils.rm_f("#{@folder}/#{name}") }
    %w[config files log tmp/pids tmp/cache].each { |name| FileUtils.mkdir_p("#{instance}/#{name}") }
    %w[files log plugins tmp/pids tmp/cache].each { |name| FileUtils.mkdir_p("#{@folder}/#{name}") }
    File.symlink("../../public", "#{instance}/public")
    settings = "production:\n  adapter: sqlite3\n  database: db/redmine.sqlite3\n  pool: 16\n"
    %w[config instances/default/config].each { |name| write("#{name}/database.yml", settings) }
    # Where whoever runs it names the gems of the machine; a server among them.
    write("Gemfile.local", "gem \"sqlite3\", \"~> 1.7.0\"\ngem \"puma\"\n")
  end

  def write(path, text) = File.write("#{@folder}/#{path}", text)
end
