# frozen_string_literal: true

require "etc"
require "fileutils"
require "open3"
require "rbconfig"
require "tmpdir"

# A PostgreSQL server of an example's own, in a temporary folder, on a unix socket there.
class Postgres
  # Where Debian has its programs, newest first.
  PROGRAMS = Dir["/usr/lib/postgresql/*/bin"].max_by { |folder| folder[/\d+/].to_i }
  # How Ruby is started where the gem pg is: it is in no bundle, which would ask everybody for its headers.
  UNBUNDLED = %w[RUBYOPT RUBYLIB BUNDLE_GEMFILE BUNDLER_SETUP GEM_HOME GEM_PATH].to_h { |name| [name, nil] }.freeze
  # It refuses to run as root.
  USERS = %w[postgres nobody].freeze
  private_constant :PROGRAMS, :USERS

  class << self
    # Why there can't be one; nil where there can.
    def missing
      return "PostgreSQL (initdb) isn't installed" unless PROGRAMS && File.executable?("#{PROGRAMS}/initdb")

      script = 'require "pg"; require "active_record"'
      _, status = Open3.capture2e(UNBUNDLED, RbConfig.ruby, "-e", script)
      "the gems pg and activerecord aren't installed for #{RbConfig.ruby}" unless status.success?
    end

    # Yields the folder of its socket, where user "kino" needs no password.
    def run
      Dir.mktmpdir("kino-pg") do |folder|
        server = new(folder)
        server.start
        yield folder
      ensure
        server&.stop
      end
    end
  end

  def initialize(folder)
    @folder = folder
    @user = Etc::Passwd.select { |user| USERS.include?(user.name) }.max_by(&:name) if Process.uid.zero?
    FileUtils.chown(@user.uid, @user.gid, folder) if @user
  end

  def start
    run("initdb", "-A", "trust", "-U", "kino", "--no-sync", "-E", "UTF8", "--locale", "C")
    options = "-c listen_addresses= -c unix_socket_directories=#{@folder} -c fsync=off"
    run("pg_ctl", "-w", "-l", "#{@folder}/log", "-o", options, "start")
  end

  def stop
    run("pg_ctl", "-m", "immediate", "stop") if File.exist?("#{@folder}/data/postmaster.pid")
  end

  private

  def run(program, *arguments)
    as = @user ? ["setpriv", "--reuid=#{@user.uid}", "--regid=#{@user.gid}", "--clear-groups"] : []
    said = File.join(@folder, "said")
    # What it starts goes on with its streams.
    done = system(*as, "#{PROGRAMS}/#{program}", "-D", "#{@folder}/data", *arguments, chdir: @folder, in: File::NULL,
                                                                                      %i[out err] => said)
    raise "#{program}: #{File.read(said)}" unless done
  end
end
