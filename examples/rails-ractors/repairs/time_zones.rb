# frozen_string_literal: true

# Time zones are kept in maps with locks, once they have been asked for, and what they are read from is a class
# variable. Each ractor has its own.
module SharedTimeZones
  def [](arg)
    return super if Ractor.main? || !arg.is_a?(String)

    zones = Ractor.current[:rails_time_zones] ||= {}
    zones[arg] ||= create(arg)
  rescue TZInfo::InvalidTimezoneIdentifier
    nil
  end

  # In place of the one that all share.
  module Source
    def get = Ractor.main? ? super : Ractor.current[:tzinfo] ||= TZInfo::DataSources::ZoneinfoDataSource.new(FOLDER)
  end

  def self.repair
    source = TZInfo::DataSource.get
    return unless source.is_a?(TZInfo::DataSources::ZoneinfoDataSource) # else it is the gem tzinfo-data

    const_set(:FOLDER, source.zoneinfo_dir)
    ActiveSupport::TimeZone.singleton_class.prepend(self)
    TZInfo::DataSource.singleton_class.prepend(Source)
  end
end

Repairs.add "time_zones", upstream: "none known" do |repair|
  repair.before { SharedTimeZones.repair }
end
