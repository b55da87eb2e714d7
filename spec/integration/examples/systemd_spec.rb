# frozen_string_literal: true

require "fileutils"
require "open3"
require "tmpdir"

RSpec.describe "examples/systemd" do
  folder = File.expand_path("../../../examples/systemd", __dir__)
  let(:service) { File.read("#{folder}/kino.service") }
  let(:socket) { File.read("#{folder}/kino.socket") }

  # With a command in place of Bundler's, which need not be there.
  it "has units that systemd understands" do
    skip "systemd-analyze isn't installed (Debian: systemd)" unless system("which systemd-analyze", out: File::NULL)
    Dir.mktmpdir do |copy|
      FileUtils.cp(Dir["#{folder}/kino.*"], copy)
      File.write("#{copy}/kino.service", service.sub("/usr/bin/bundle exec", "/bin/true"))
      said, status = Open3.capture2e("systemd-analyze", "verify", *Dir["#{copy}/kino.*"].sort)
      expect([said.lines.grep(%r{#{copy}}), status.success?]).to eq([[], true]), said
    end
  end

  it "says what Kino goes by: notifications, a restart by USR1, and time to stop" do
    expect(service).to include("Type=notify\n").and include("ExecReload=/bin/kill -USR1 $MAINPID\n")
      .and include("KillMode=mixed\n").and include("WatchdogSec=")
    expect(socket).to match(/^ListenStream=/).and match(/^FileDescriptorName=web$/)
    expect(socket).not_to match(/^Accept=yes/)
  end
end
